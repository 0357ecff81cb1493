// Tells one story: a visitor, a site, a door in front of the endpoint; and compares what was tracked with what is there.

import { createVisitor } from './browser.mjs';
import { openEndpoint } from './endpoint.mjs';
import { acknowledgedOf, carriersOf, doubledOf, refusedOf } from './findings.mjs';
import { createScene, pause, statsWhen } from './scene.mjs';
import { createSite } from './site.mjs';

/**
 * @typedef {import('./scene.mjs').Scene} Scene
 * @typedef {import('./truth.mjs').Truth} Truth
 *
 * @typedef {object} Story
 * @property {string} name for `--only`
 * @property {string} title
 * @property {(scene: Scene) => Promise<void>} run
 * @property {number} [lastVisitMs] longest the next visit may take to bring everything to the endpoint; a minute, unless it says so
 *
 * @typedef {object} World
 * @property {string} run prefix of all event names
 * @property {string} browser its path
 * @property {import('./endpoint.mjs').EndpointOptions} target
 * @property {string} [key]
 * @property {Truth} [truth]
 * @property {number} patienceMs how long a stored event may take to be seen
 *
 * @typedef {object} Told
 * @property {string} name
 * @property {string} title
 * @property {number} tracked
 * @property {number} acknowledged events that the endpoint answered with success for
 * @property {number} [stored] events that are there; absent: nobody looked
 * @property {string[]} lost
 * @property {string[]} doubled
 * @property {{ [reason: string]: number }} refused by the endpoint, event by event
 * @property {{ [reason: string]: number }} dropped by the tracker, as it tells
 * @property {number} twice events that were on the wire more than once
 * @property {number} requests
 * @property {string[]} broken promises, and what else went wrong
 * @property {import('./endpoint.mjs').EndpointAnswer[]} failures of the endpoint itself
 * @property {number} ms
 */

/**
 * @param {Story} story
 * @param {number} number it is the story's in all event names
 * @param {World} world
 * @returns {Promise<Told>}
 * @throws {Error} when the browser does not start, or nobody can look at what is there
 */
export async function tellStory(story, number, world) {
  const started = Date.now();
  /** @type {(() => Promise<void>)[]} */
  const closers = [];
  try {
    const { door, address, failures } = await openEndpoint(world.target);
    closers.push(door.close);
    const site = await createSite();
    closers.push(site.close);
    const visitor = await createVisitor(world.browser);
    closers.push(visitor.leave);
    const prefix = `${world.run}-${number}-`;
    const options = { endpoint: address, ...(world.key !== undefined && { key: world.key }) };
    const { scene, expected, broken } = createScene({ visitor, door, site, prefix, options });

    const dropped = await play(story, scene).catch((error) => {
      broken.push(`the story goes on to its end (${error.message})`);
      return {};
    });

    const acknowledged = acknowledgedOf(door.requests);
    const found = world.truth && (await look(world.truth, world.patienceMs, door.requests, expected));
    const requests = door.requests.filter(({ method }) => method === 'POST');
    const lost = expected.filter((name) => !(found ?? acknowledged).has(name));
    return {
      name: story.name,
      title: story.title,
      tracked: expected.length,
      acknowledged: expected.filter((name) => acknowledged.has(name)).length,
      ...(found && { stored: expected.length - lost.length }),
      lost,
      doubled: doubledOf(requests, found),
      refused: refusedOf(requests),
      dropped,
      twice: [...carriersOf(requests).values()].filter(({ times }) => times > 1).length,
      requests: requests.length,
      broken,
      failures,
      ms: Date.now() - started,
    };
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

/**
 * The story, and the next visit, which must take along whatever is left.
 *
 * @param {Story} story
 * @param {Scene} scene
 * @returns {Promise<{ [reason: string]: number }>} what the tracker says it dropped
 */
async function play(story, scene) {
  await story.run(scene);
  scene.door.behave();
  await scene.door.up();
  const tab = await scene.open();
  await tab.call('online');
  const { lastVisitMs = 60_000 } = story;
  await scene.arrived(lastVisitMs);
  const stats = await statsWhen(
    tab,
    ({ waiting, inFlight }) => waiting === 0 && inFlight === 0,
    Math.min(lastVisitMs, 15_000),
  );
  const { accepted = 0, delivered = 0, dropped = 0, waiting = 0, inFlight = 0, droppedByReason = {}, page } = stats;
  const sum = delivered + dropped + waiting + inFlight;
  scene.promise(accepted === sum, `the tracker's own count adds up (${accepted} accepted, ${sum} accounted for)`);
  return { ...droppedByReason, ...page.dropped };
}

/**
 * @param {Truth} truth
 * @param {number} patienceMs
 * @param {readonly import('./truth.mjs').RecordedRequest[]} requests
 * @param {string[]} expected
 */
async function look(truth, patienceMs, requests, expected) {
  for (const until = Date.now() + patienceMs; ; ) {
    const all = await truth.read(requests);
    const found = new Map(expected.flatMap((name) => (all.get(name) ? [[name, all.get(name) ?? 0]] : [])));
    if (found.size === expected.length || Date.now() >= until) return found;
    await pause(Math.min(500, until - Date.now()));
  }
}

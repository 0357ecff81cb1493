// A crowd of trackers and one server of fixed capacity, in steps of 100 ms: the server is away for a while, and comes back.

/** @typedef {import('./policies.mjs').Policy} Policy */

/**
 * @typedef {object} Setting
 * @property {number} clients Browsers with a page open.
 * @property {number} eventEveryS Mean seconds between two events of a browser.
 * @property {number} loadEveryS Mean seconds between two pages that it opens.
 * @property {number} beforeS Until the outage.
 * @property {number} outageS How long the server is away.
 * @property {0 | 503} outageStatus What is heard of it then: nothing, or the 503 of what stands before it.
 * @property {number} afterS How long it is watched afterwards, at most.
 * @property {number} capacity What the server can do, as a multiple of the requests this tracker makes when all is well.
 * @property {number} seed
 *
 * @typedef {object} Result
 * @property {Policy} policy
 * @property {number} normal Requests per second when all is well.
 * @property {number[]} offered Requests per second, second by second, as multiples of `normal`.
 * @property {number} attempts Requests per browser and minute during the outage.
 * @property {number} peak Most requests in a second after the outage, as a multiple of the capacity.
 * @property {number} overloadS Seconds after the outage with more requests than the server can do.
 * @property {number | undefined} drainS Seconds after the outage until what it held up is delivered or given up; undefined: not by the end.
 * @property {number} lost Part of the events tracked during the outage that was given up.
 */

const STEP_S = 0.1;

/** What the server lets wait, in seconds of its capacity, before it says that it is too busy. */
const WAITING_S = 2;

/** From the answer to the next request of the same browser, in steps: the round trip. */
const ROUND_TRIP_STEPS = 1;

/** What Petrel's collector asks for when too much is waiting (FULL_RETRY_MS in src/server/intake.ts). */
const RETRY_AFTER_MS = 5_000;

/** Petrel's attempts in spite of a backoff: at least this far apart, and spread over this long (src/core/event-batcher.ts). */
const PROBE_EVERY_S = 5;
const PROBE_SPREAD_S = 1;

/** A small generator with a seed, so that a run can be repeated: mulberry32. @param {number} seed */
function createRandom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** @param {Policy} policy @param {Setting} setting @returns {Result} */
export function simulate(policy, setting) {
  const { clients, eventEveryS, loadEveryS, beforeS, outageS, afterS, capacity, seed, outageStatus } = setting;
  const random = createRandom(seed);
  const exponential = (/** @type {number} */ mean) => -Math.log(1 - random()) * mean;
  const normal =
    policy.perEvent || policy.batch === 1 ? clients / eventEveryS : clients / (eventEveryS + policy.ageMs / 1_000);
  const perStep = normal * capacity * STEP_S;
  const steps = Math.round((beforeS + outageS + afterS) / STEP_S);
  const [down, up] = [beforeS / STEP_S, (beforeS + outageS) / STEP_S];

  // A unit is what is tried again by itself: a browser's queue, or where each event is a request, an event.
  /** @type {(number[] | undefined)[]} */
  const calendar = new Array(steps);
  let failures = new Uint8Array(clients);
  /** Queue: events waiting, as of `since`. */
  const backlog = new Float32Array(clients);
  const since = new Float32Array(clients);
  /** Queue: events waiting that are of the outage. Per event: 1 for an event of the outage. */
  let old = new Float32Array(clients);
  /** Per event: whose it is, and how many its browser keeps at the moment. */
  let owner = new Uint32Array(policy.perEvent ? clients : 0);
  const kept = new Uint32Array(policy.perEvent ? clients : 0);
  /** @type {number[]} */
  const free = [];
  let units = policy.perEvent ? 0 : clients;

  const offered = new Float64Array(Math.ceil(steps * STEP_S));
  /** @type {number[]} */
  let line = [];
  let served = 0;
  let room = 0;
  let attempts = 0;
  let held = 0;
  let heldUp = 0;
  let lost = 0;
  let drained = -1;

  const at = (/** @type {number} */ step, /** @type {number} */ unit) => {
    const slot = Math.max(Math.ceil(step), now + 1);
    if (slot >= steps) return;
    calendar[slot] ??= [];
    calendar[slot].push(unit);
  };
  const isOutage = (/** @type {number} */ s) => s >= beforeS && s < beforeS + outageS;
  let now = -1;

  /** Counts what a queue has gathered since it was last looked at. @param {number} c */
  function gather(c) {
    const t = now * STEP_S;
    const from = /** @type {number} */ (since[c]);
    since[c] = t;
    const fresh = (t - from) / eventEveryS;
    const late = Math.max(0, Math.min(t, beforeS + outageS) - Math.max(from, beforeS)) / eventEveryS;
    let room = Math.max(0, policy.keeps - /** @type {number} */ (backlog[c]));
    held += late;
    heldUp += late;
    old[c] = /** @type {number} */ (old[c]) + late;
    if (fresh > room) {
      // Full: the oldest go, which are of the outage as long as there are any.
      const gone = Math.min(/** @type {number} */ (old[c]), fresh - room);
      old[c] = /** @type {number} */ (old[c]) - gone;
      held -= gone;
      lost += gone;
      room = fresh;
    }
    backlog[c] = Math.min(policy.keeps, /** @type {number} */ (backlog[c]) + fresh);
  }

  /** Takes a request's events off a queue, oldest first. @param {number} c @param {boolean} delivered */
  function take(c, delivered) {
    const waiting = Math.max(1, /** @type {number} */ (backlog[c]));
    const n = Math.min(policy.batch, waiting);
    const late = Math.min(/** @type {number} */ (old[c]), n);
    old[c] = /** @type {number} */ (old[c]) - late;
    held -= late;
    if (!delivered) lost += late;
    backlog[c] = waiting - n;
  }

  /** When a queue's next request is due: at once where one is waiting, else when an event has come and waited for others. @param {number} c */
  function rest(c) {
    const wait =
      /** @type {number} */ (backlog[c]) >= 1
        ? ROUND_TRIP_STEPS
        : (exponential(eventEveryS) + policy.ageMs / 1_000) / STEP_S;
    at(now + wait, c);
  }

  /** @param {number} unit */
  function succeed(unit) {
    failures[unit] = 0;
    if (policy.perEvent) return done(unit, true);
    gather(unit);
    take(unit, true);
    rest(unit);
  }

  /** An event by itself is delivered or given up. @param {number} unit @param {boolean} delivered */
  function done(unit, delivered) {
    const c = /** @type {number} */ (owner[unit]);
    kept[c] = /** @type {number} */ (kept[c]) - 1;
    if (old[unit]) {
      held--;
      if (!delivered) lost++;
    }
    free.push(unit);
  }

  /** @param {number} unit @param {number} status @param {number} [retryAfterMs] */
  function fail(unit, status, retryAfterMs) {
    failures[unit] = Math.min(250, /** @type {number} */ (failures[unit]) + 1);
    const waitMs = policy.waitMs({ failures: /** @type {number} */ (failures[unit]), status, retryAfterMs, random });
    if (waitMs === undefined) {
      failures[unit] = 0;
      if (policy.perEvent) return done(unit, false);
      gather(unit);
      take(unit, false);
      return rest(unit);
    }
    let waitS = policy.onNextEvent ? exponential(eventEveryS) : waitMs / 1_000;
    if (policy.probesOnLoad && retryAfterMs === undefined) {
      waitS = Math.min(waitS, Math.max(PROBE_EVERY_S, exponential(loadEveryS)) + random() * PROBE_SPREAD_S);
    }
    at(now + waitS / STEP_S, unit);
  }

  /** An event where each is a request of its own. @param {number} c */
  function track(c) {
    if (/** @type {number} */ (kept[c]) >= policy.keeps) {
      // Full: one of those that wait makes room. Which one does not matter here; it is one of the outage.
      if (isOutage(now * STEP_S)) {
        heldUp++;
        lost++;
      }
      return;
    }
    const unit = free.pop() ?? units++;
    if (unit >= failures.length) {
      const size = failures.length * 2;
      [failures, old, owner] = [
        grown(failures, new Uint8Array(size)),
        grown(old, new Float32Array(size)),
        grown(owner, new Uint32Array(size)),
      ];
    }
    owner[unit] = c;
    failures[unit] = 0;
    old[unit] = isOutage(now * STEP_S) ? 1 : 0;
    held += /** @type {number} */ (old[unit]);
    heldUp += /** @type {number} */ (old[unit]);
    kept[c] = /** @type {number} */ (kept[c]) + 1;
    attempt(unit);
  }

  /** @param {number} unit */
  function attempt(unit) {
    const second = Math.floor(now * STEP_S);
    offered[second] = /** @type {number} */ (offered[second]) + 1;
    if (now >= down && now < up) {
      attempts++;
      return fail(unit, outageStatus);
    }
    if (line.length - served < perStep * (WAITING_S / STEP_S)) return void line.push(unit);
    if (policy.advised) fail(unit, 429, RETRY_AFTER_MS);
    else fail(unit, 503);
  }

  // Where each event is a request, browsers come up at random times; else queues begin somewhere in their rhythm.
  for (let c = 0; c < clients && !policy.perEvent; c++)
    at((random() * (eventEveryS + policy.ageMs / 1_000)) / STEP_S, c);
  for (now = 0; now < steps; now++) {
    if (policy.perEvent) {
      for (let n = Math.floor((clients / eventEveryS) * STEP_S + random()); n > 0; n--)
        track(Math.floor(random() * clients));
    }
    // What the queues gathered meanwhile, counted before it is asked how much of it is left.
    for (let c = 0; now === up && c < clients && !policy.perEvent; c++) gather(c);
    const due = calendar[now];
    calendar[now] = undefined;
    if (due) for (const unit of due) attempt(unit);
    room = Math.min(room + perStep, perStep * 2);
    for (; room >= 1 && served < line.length && !(now >= down && now < up); room--)
      succeed(/** @type {number} */ (line[served++]));
    if (served > 100_000) [line, served] = [line.slice(served), 0];
    // 99.9 %: a browser's last try may be minutes away from the others'.
    if (now > up && drained < 0 && held <= heldUp * 0.001) drained = (now - up) * STEP_S;
    if (drained >= 0 && now * STEP_S > beforeS + outageS + drained + 60) break;
  }

  const seconds = [...offered].slice(0, Math.floor(now * STEP_S));
  const after = seconds.slice(beforeS + outageS);
  return {
    policy,
    normal,
    offered: seconds.map((n) => n / normal),
    attempts: attempts / clients / (outageS / 60),
    peak: Math.max(...after) / (normal * capacity),
    overloadS: after.filter((n) => n > normal * capacity).length,
    drainS: drained < 0 ? undefined : drained,
    lost: lost / heldUp,
  };
}

/** @template {Uint8Array | Float32Array | Uint32Array} T @param {T} from @param {T} to @returns {T} */
function grown(from, to) {
  to.set(from);
  return to;
}

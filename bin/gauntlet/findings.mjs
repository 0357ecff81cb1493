// What the record of a story's requests says of its events.

/** @typedef {readonly import('./truth.mjs').RecordedRequest[]} Requests */

/**
 * Names of the events that the endpoint has answered with success for.
 *
 * @param {Requests} requests
 */
export function acknowledgedOf(requests) {
  /** @type {Set<string>} */
  const acknowledged = new Set();
  for (const { stored, names, ids, rejected = [] } of requests) {
    if (!stored) continue;
    const refused = new Set(rejected.map(({ id }) => id));
    for (const [i, name] of names.entries()) if (!refused.has(ids[i] ?? '')) acknowledged.add(name);
  }
  return acknowledged;
}

/**
 * How often each event was on the wire, and under which ids.
 *
 * @param {Requests} requests
 */
export function carriersOf(requests) {
  /** @type {Map<string, { times: number, ids: Set<string> }>} */
  const carriers = new Map();
  for (const { names, ids } of requests) {
    for (const [i, name] of names.entries()) {
      const carrier = carriers.get(name) ?? { times: 0, ids: new Set() };
      carrier.times++;
      carrier.ids.add(ids[i] ?? '');
      carriers.set(name, carrier);
    }
  }
  return carriers;
}

/**
 * Events under two ids, and events that are there more than once.
 *
 * @param {Requests} requests
 * @param {Map<string, number> | undefined} found
 */
export function doubledOf(requests, found) {
  const doubled = new Set([...carriersOf(requests)].filter(([, { ids }]) => ids.size > 1).map(([name]) => name));
  for (const [name, count] of found ?? []) if (count > 1) doubled.add(name);
  return [...doubled];
}

/**
 * Events that the endpoint refused by name, counted by its reasons.
 *
 * @param {Requests} requests
 */
export function refusedOf(requests) {
  /** @type {{ [reason: string]: number }} */
  const refused = {};
  for (const { rejected = [] } of requests) {
    for (const { reason } of rejected) refused[reason] = (refused[reason] ?? 0) + 1;
  }
  return refused;
}

// The trackers: post bodies over connections that are kept, as many at a time as told (`crowd`) or at a steady pace (`pace`).

import { Agent, request } from 'node:http';

/**
 * @typedef {object} Target
 * @property {string} url
 * @property {number} size events in each body
 */

/**
 * @param {Target} target
 * @param {Agent} agent
 * @param {Buffer} body
 * @returns {Promise<void>} when everything in it is acknowledged
 */
function post({ url, size }, agent, body) {
  return new Promise((resolve, reject) => {
    const sent = request(
      `${url}/?enc=gzip`,
      { method: 'POST', agent, headers: { 'content-type': 'text/plain;charset=UTF-8', 'content-length': body.length } },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (more) => {
          text += more;
        });
        response.on('end', () => {
          const accepted = response.statusCode === 200 && JSON.parse(text).accepted;
          if (accepted === size) resolve();
          else reject(new Error(`answered ${response.statusCode}: ${text.slice(0, 200)}`));
        });
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

/**
 * Posts all, `senders` at a time.
 *
 * @param {Target} target
 * @param {readonly Buffer[]} bodies
 * @param {number} senders
 * @returns {Promise<number>} how long it took, in ms
 */
export async function crowd(target, bodies, senders) {
  const agent = new Agent({ keepAlive: true, maxSockets: senders });
  const began = performance.now();
  let next = 0;
  const send = async () => {
    for (let body = bodies[next++]; body; body = bodies[next++]) await post(target, agent, body);
  };
  await Promise.all(Array.from({ length: senders }, send));
  agent.destroy();
  return performance.now() - began;
}

/**
 * Posts at times set beforehand, whether or not the ones before are answered: what waits because the collector is slow is counted too.
 *
 * @param {Target} target
 * @param {readonly Buffer[]} bodies
 * @param {number} perSecond
 * @returns {Promise<number[]>} from the time each was due to its acknowledgement, in ms
 */
export async function pace(target, bodies, perSecond) {
  const agent = new Agent({ keepAlive: true });
  const began = performance.now();
  const times = await Promise.all(
    bodies.map(async (body, i) => {
      const due = began + (i * 1_000) / perSecond;
      await new Promise((resolve) => setTimeout(resolve, due - performance.now()));
      await post(target, agent, body);
      return performance.now() - due;
    }),
  );
  agent.destroy();
  return times;
}

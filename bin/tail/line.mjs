// An event on a line, for people.

import { printable } from '../lib/command.mjs';

/** Columns a name gets before what follows is moved to the right. */
const NAME_WIDTH = 20;

/**
 * @param {import('./command.mjs').Event} event
 * @param {number} [width] columns of the terminal; what is longer is cut
 */
export function lineOf(event, width) {
  if (typeof event.missed === 'number') return `… ${event.missed} events came too fast to be shown`;
  const { timestamp, sent_at: sentAt, received_at: receivedAt, name, category, properties } = event;
  const at = new Date(Number(timestamp) + Number(receivedAt) - Number(sentAt));
  const who = event.user_id ?? event.anonymous_id ?? '–';
  const parts = [
    // A client's clock may be anything; what makes no date is shown as that.
    Number.isNaN(at.getTime()) ? '--:--:--.---' : clockOf(at),
    String(name).padEnd(NAME_WIDTH),
    ...(category === 'custom' ? [] : [`(${category})`]),
    `${event.source}.${event.seq}`,
    String(who),
    JSON.stringify(properties),
  ];
  const line = [...printable(parts.join('  '))];
  return width !== undefined && line.length > width ? `${line.slice(0, width - 1).join('')}…` : line.join('');
}

/** @param {Date} at */
function clockOf(at) {
  const two = (/** @type {number} */ n) => String(n).padStart(2, '0');
  const time = [at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(':');
  return `${time}.${String(at.getMilliseconds()).padStart(3, '0')}`;
}

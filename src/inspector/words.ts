/** Numbers and reasons in words: what the panel says. */
import type { DropReason } from '../core/outcome.js';
import type { HostInfo } from '../protocol.js';

/** `1 234`, with a space that does not break. */
export const count = (value: number): string => `${Math.round(value)}`.replace(/\B(?=(\d{3})+$)/g, '\u202f');

/** `0 B`, `1.2 KB`, `10 MB`: of 1 000 bytes each. */
export function bytes(value: number): string {
  const units = ['B', 'KB', 'MB', 'GB'];
  let unit = 0;
  let rest = value;
  while (rest >= 999.5 && unit < units.length - 1) {
    rest /= 1_000;
    unit++;
  }
  return `${unit > 0 && rest < 9.95 ? rest.toFixed(1) : Math.round(rest)} ${units[unit]}`;
}

/** `420 ms`, `1.2 s`, `12 s`, `3 min 5 s`, `2 h 10 min`, `6 d 4 h`. Negative is 0: clocks disagree. */
export function duration(ms: number): string {
  const seconds = Math.max(0, ms) / 1_000;
  if (ms < 995) return `${Math.max(0, Math.round(ms))} ms`;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  for (const [size, name, smaller, nameOfSmaller] of [
    [86_400, 'd', 3_600, 'h'],
    [3_600, 'h', 60, 'min'],
    [60, 'min', 1, 's'],
  ] as const) {
    if (whole < size) continue;
    const rest = Math.floor((whole % size) / smaller);
    return `${Math.floor(whole / size)} ${name}${rest ? ` ${rest} ${nameOfSmaller}` : ''}`;
  }
  return `${whole} s`;
}

/** A wait that runs: `0:07`, `1:30`, `1:00:05`. Rounded up, so that it ends at 0 and not before. */
export function countdown(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1_000));
  const two = (value: number) => `${value}`.padStart(2, '0');
  const minutes = Math.floor(seconds / 60);
  return minutes < 60
    ? `${minutes}:${two(seconds % 60)}`
    : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`;
}

/** The time of day, in the developer's own zone. */
export function timeOfDay(at: number): string {
  const date = new Date(at);
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => `${part}`.padStart(2, '0')).join(':');
}

/** Why an event was lost: outcome.ts in a line each. A reason of a newer release says itself. */
export const DROP_REASONS: { [Reason in DropReason]: string } = {
  invalid: 'not a valid event',
  'too-large': 'larger than an event may be',
  'queue-full': 'pushed out of a full queue',
  expired: 'older than maxAgeMs',
  blocked: 'older than maxAgeMs while requests were blocked',
  refused: 'refused by the collector; kept in quarantine',
  consent: 'no consent',
  plugin: 'a plugin said so',
  sampled: 'not in the sample',
  'buffer-full': 'more than the page can hold',
  storage: 'the database lost or refused it',
  closed: 'tracked after close()',
};

export const STATES: { [state: string]: string } = {
  sending: 'Sending',
  idle: 'Nothing to send',
  waiting: 'Waiting for more',
  backoff: 'Collector not reached',
  'rate-limited': 'Collector asked for a pause',
  held: 'Key or address refused',
  blocked: 'Requests are blocked',
  looking: 'No queue yet',
};

export const HOSTS: { [Kind in HostInfo['kind']]: string } = {
  worker: 'service worker',
  page: 'page, with IndexedDB',
  memory: 'page, in memory only',
};

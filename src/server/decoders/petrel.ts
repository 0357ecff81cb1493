import { expandBody } from '../../core/wire-expand.js';
import { parseJson } from '../decode.js';
import type { Decoder } from './decoder.js';

/** Petrel's own wire, at every path. */
export const petrelDecoder: Decoder = {
  name: 'petrel',
  matches: () => true,
  parse: (bytes) => parseJson(bytes),
  keyOf: (body) => (typeof body === 'object' && body !== null ? (body as { key?: unknown }).key : undefined),
  expand: (body, { limits }) => expandBody(body, limits),
  answer: (answer) => answer,
};

/** Whether a body says that it is Petrel's, whatever path it was posted to. */
export function isPetrelBody(body: unknown): boolean {
  return typeof body === 'object' && body !== null && typeof (body as { petrel?: unknown }).petrel === 'number';
}

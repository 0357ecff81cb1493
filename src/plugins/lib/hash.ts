/**
 * Where a text falls between 0 and 1 (exclusive): the same one always at the same place, many of them evenly. FNV-1a over its UTF-16
 * units, and MurmurHash3's finish, without which texts that differ at their end lie close together. Not for secrets.
 */
export function shareOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}

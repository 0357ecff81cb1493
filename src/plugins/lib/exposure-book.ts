/** One variant of one flag. */
export interface Exposure {
  flag: string;
  variant: string;
  /** Why the provider chose it. */
  reason: string | undefined;
  /** Evaluations since the last summary. */
  count: number;
  /** When it was first evaluated in this session, in ms since the epoch. */
  at: number;
  /** The session it was told in; 0 for none. */
  session: number;
}

/** Most variants that are counted by name. A flag whose value is a new text each time must not fill the memory. */
const MAX_VARIANTS = 1_000;

/** Longest flag key or variant, in characters. */
const MAX_LENGTH = 200;

/** How many go into one event, which may have 32 KB: 50 of the longest names in ASCII make 21. */
const VARIANTS_PER_PART = 50;

/**
 * Counts evaluations by flag and variant. Called for each of them, ten thousand times a minute in a busy app: two map look-ups, and
 * nothing that is not needed each time.
 */
export function createExposureBook() {
  /** By flag, then by variant. */
  const flags = new Map<string, Map<unknown, Exposure>>();
  const all: Exposure[] = [];
  let others: Exposure | undefined;

  const add = (variants: Map<unknown, Exposure>, flag: string, key: unknown, reason: string | undefined): Exposure => {
    const isFull = all.length >= MAX_VARIANTS;
    if (isFull && others) return others;
    const exposure: Exposure = {
      flag: isFull ? '(others)' : flag.slice(0, MAX_LENGTH),
      variant: isFull ? '(others)' : String(key).slice(0, MAX_LENGTH),
      reason,
      count: 0,
      at: 0,
      session: 0,
    };
    all.push(exposure);
    if (isFull) others = exposure;
    else variants.set(key, exposure);
    return exposure;
  };

  return {
    /** @param variant its name, or, of a provider that has no names, the value */
    count(flag: string, variant: unknown, reason: string | undefined): Exposure {
      // Some providers make a new object each time.
      const key = typeof variant === 'object' ? 'object' : variant;
      let variants = flags.get(flag);
      if (!variants) {
        variants = new Map();
        if (all.length < MAX_VARIANTS) flags.set(flag, variants);
      }
      const exposure = variants.get(key) ?? add(variants, flag, key, reason);
      exposure.count++;
      return exposure;
    },
    all: () => all as readonly Exposure[],
    /** Flag → variant → evaluations since the last time, in parts that fit an event. */
    takeCounts(): { [flag: string]: { [variant: string]: number } }[] {
      const counted = all.filter(({ count }) => count > 0);
      const parts = [];
      for (let start = 0; start < counted.length; start += VARIANTS_PER_PART) {
        const part: { [flag: string]: { [variant: string]: number } } = Object.create(null);
        for (const exposure of counted.slice(start, start + VARIANTS_PER_PART)) {
          part[exposure.flag] ??= Object.create(null);
          const variants = part[exposure.flag]!;
          // Two names that were cut may be the same.
          variants[exposure.variant] = (variants[exposure.variant] ?? 0) + exposure.count;
          exposure.count = 0;
        }
        parts.push(part);
      }
      return parts;
    },
  };
}

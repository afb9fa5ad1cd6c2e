/** Numbers that are the same for the same seed, on every machine. */
export interface Random {
  /** A whole number from 0 to `bound - 1`. */
  below(bound: number): number;
  /** From 0, itself included, to 1. */
  fraction(): number;
  chance(probability: number): boolean;
  /** @throws where there is nothing to pick from. */
  pick<T>(from: readonly T[]): T;
  bytes(length: number): Buffer;
}

/** The generator sfc32 (Chris Doty-Humphrey, PractRand), started from one whole number. */
export const seededRandom = (seed: number): Random => {
  let a = seed >>> 0;
  let b = Math.floor(seed / 0x1_0000_0000) >>> 0;
  let c = 0x9e3779b9;
  let counter = 1;

  const next = (): number => {
    const result = (a + b + counter) >>> 0;
    counter = (counter + 1) >>> 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) >>> 0;
    c = (((c << 21) | (c >>> 11)) + result) >>> 0;
    return result;
  };
  for (let i = 0; i < 15; i++) next(); // until the seed has reached every bit

  const fraction = (): number => next() / 0x1_0000_0000;
  const below = (bound: number): number => Math.floor(fraction() * bound);
  return {
    below,
    fraction,
    chance: (probability) => fraction() < probability,
    pick: <T>(from: readonly T[]): T => {
      if (from.length === 0) throw new Error('there is nothing to pick from');
      return from[below(from.length)] as T;
    },
    bytes: (length) => {
      const bytes = Buffer.alloc(length);
      for (let i = 0; i < length; i++) bytes[i] = next() >>> 24;
      return bytes;
    },
  };
};

/** Draws names by their weights, which need not add up to anything. */
export const weightedChoice = <Name extends string>(
  weights: Readonly<Partial<Record<Name, number>>>,
): ((random: Random) => Name) => {
  const names = Object.keys(weights) as Name[];
  let total = 0;
  const bounds = names.map((name) => (total += weights[name] ?? 0));
  if (total <= 0) throw new Error('no weight is above zero');
  return (random) => {
    const at = random.fraction() * total;
    const name = names[bounds.findIndex((bound) => at < bound)];
    if (name === undefined) throw new Error('the draw lies beyond the last weight');
    return name;
  };
};

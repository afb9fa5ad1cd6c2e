/** Keys and rows travel in the request: not all of them at once. */
const PART = 1_000;

export const parts = <T>(all: readonly T[]): readonly (readonly T[])[] =>
  Array.from({ length: Math.ceil(all.length / PART) }, (_, n) =>
    all.slice(n * PART, (n + 1) * PART),
  );

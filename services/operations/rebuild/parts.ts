/** Keys and rows travel in the request, so they are sent in parts. */
const PART = 1_000;

export const parts = <T>(all: readonly T[], size: number = PART): readonly (readonly T[])[] =>
  Array.from({ length: Math.ceil(all.length / size) }, (_, n) =>
    all.slice(n * size, (n + 1) * size),
  );

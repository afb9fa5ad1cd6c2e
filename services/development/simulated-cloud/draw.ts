import { hash } from 'node:crypto';

/**
 * Numbers from 0 to below 1 that depend only on these names: the n-th of eight. The same names always give
 * the same numbers, in whatever order they are drawn, so a simulation needs no state.
 */
export const drawer = (...names: readonly (string | number)[]): ((n: number) => number) => {
  const bytes = hash('sha256', names.join('\n'), 'buffer');
  return (n) => bytes.readUInt32BE(4 * n) / 2 ** 32;
};

/** One number. */
export const draw = (...names: readonly (string | number)[]): number => drawer(...names)(0);

/** One of several things, by the same rule. */
export const pick = <T>(things: readonly [T, ...T[]], ...names: readonly (string | number)[]): T =>
  things[Math.floor(draw(...names) * things.length)] ?? things[0];

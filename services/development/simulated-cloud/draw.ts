import { createHash } from 'node:crypto';

/**
 * A number from 0 to below 1 that depends only on its names. The same names always give the same number, in
 * whatever order they are drawn, so a simulation needs no state.
 */
export const draw = (...names: readonly (string | number)[]): number =>
  createHash('sha256').update(names.join('\n')).digest().readUInt32BE(0) / 2 ** 32;

/** One of several things, by the same rule. */
export const pick = <T>(things: readonly [T, ...T[]], ...names: readonly (string | number)[]): T =>
  things[Math.floor(draw(...names) * things.length)] ?? things[0];

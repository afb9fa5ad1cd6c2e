import { isDeepStrictEqual } from 'node:util';

/** Prints what holds and what does not. */
export class Report {
  failures = 0;

  check(what: string, holds: boolean, otherwise: unknown = ''): void {
    const detail = typeof otherwise === 'string' ? otherwise : JSON.stringify(otherwise, null, 1);
    console.log(`${holds ? 'ok' : 'FAILED'}: ${what}${holds ? '' : `\n${detail}`}`);
    if (!holds) this.failures += 1;
  }

  equal(what: string, found: unknown, expected: unknown): void {
    this.check(what, isDeepStrictEqual(found, expected), { found, expected });
  }
}

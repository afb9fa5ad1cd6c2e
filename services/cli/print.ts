import { printableLines } from '../shared/terminal/printable.ts';

/**
 * Writes what a command has to say to standard output. Foreign text in it goes through `printable`, or
 * is in a table; what was forgotten cannot steer the terminal either.
 */
export const print = (text: string): void => {
  process.stdout.write(`${printableLines(text)}\n`);
};

/** Each UTF-16 unit by itself, as JSON has it. */
const escapedUnits = (char: string): string =>
  Array.from({ length: char.length }, (_, n) => char.charCodeAt(n))
    .map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`)
    .join('');

/** JSON escapes C0 alone: what else could steer a terminal is escaped too, which changes no value. */
export const printJson = (value: unknown): void =>
  print(JSON.stringify(value, null, 2).replace(/[^\P{C}\n]|[\p{Zl}\p{Zp}]/gu, escapedUnits));

const REDRAW_MILLIS = 100;

/**
 * Shows how far long work is, as one line that is rewritten on a terminal. Elsewhere it says nothing:
 * who reads standard error in a script reads only what went wrong.
 */
export const progress = (what: string): { at(done: number): void; end(): void } => {
  const { stderr } = process;
  let last = Date.now();
  let shown = false;
  return {
    at: (done) => {
      if (!stderr.isTTY || Date.now() - last < REDRAW_MILLIS) return;
      last = Date.now();
      shown = true;
      stderr.write(`\r${what} ${done.toLocaleString('en')}\u001b[K`);
    },
    end: () => {
      if (shown) stderr.write('\r\u001b[K');
    },
  };
};

/** Does work that tells how far it is, of how much; `what` names it with the whole of it. */
export const withProgress = async <T>(
  what: (all: string) => string,
  work: (onProgress: (done: number, all: number) => void) => Promise<T>,
): Promise<T> => {
  let shown: ReturnType<typeof progress> | undefined;
  try {
    return await work((done, all) => {
      shown ??= progress(what(all.toLocaleString('en')));
      shown.at(done);
    });
  } finally {
    shown?.end();
  }
};

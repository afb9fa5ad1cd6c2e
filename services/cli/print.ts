import { printableLines } from '../shared/terminal/printable.ts';

/**
 * Writes what a command has to say to standard output. Foreign text in it goes through `printable`, or
 * stands in a table; what was forgotten cannot steer the terminal either.
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

/**
 * Shows how far long work is: on a terminal one line that is rewritten, elsewhere a line now and
 * then. Goes to standard error, so that it does not mix with results.
 */
export const progress = (what: string): { at(done: number): void; end(): void } => {
  const { stderr } = process;
  const interval = stderr.isTTY ? 100 : 5_000;
  let last = Date.now();
  let shown = false;
  return {
    at: (done) => {
      if (Date.now() - last < interval) return;
      last = Date.now();
      shown = true;
      const line = `${what} ${done.toLocaleString('en')}`;
      stderr.write(stderr.isTTY ? `\r${line}\u001b[K` : `${line}\n`);
    },
    end: () => {
      if (stderr.isTTY && shown) stderr.write('\r\u001b[K');
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

import { once } from 'node:events';
import { printableLines } from '../shared/terminal/printable.ts';

/**
 * Writes a command's output to standard output. Foreign text in it goes through `printable` or into a
 * table. Text for which that was forgotten cannot steer the terminal either.
 */
export const print = (text: string): void => {
  process.stdout.write(`${printableLines(text)}\n`);
};

/** Escapes each UTF-16 unit by itself, as JSON does. */
const escapedUnits = (char: string): string =>
  Array.from({ length: char.length }, (_, n) => char.charCodeAt(n))
    .map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`)
    .join('');

/**
 * JSON escapes only C0. Other characters that could steer a terminal are escaped too, which changes no
 * value.
 */
export const safeJson = (json: string): string =>
  json.replace(/[^\P{C}\n]|[\p{Zl}\p{Zp}]/gu, escapedUnits);

export const printJson = (value: unknown): void => print(safeJson(JSON.stringify(value, null, 2)));

/**
 * Writes a part of a file to standard output: unchanged, except on a terminal, which it cannot steer. Waits
 * while a slow reader has not taken what came before.
 */
export const writeData = async (text: string): Promise<void> => {
  const { stdout } = process;
  if (!stdout.write(stdout.isTTY ? printableLines(text) : text)) await once(stdout, 'drain');
};

/** Clears the terminal, so that what follows takes the place of what was there. Elsewhere it does nothing. */
export const clearTerminal = (): void => {
  if (process.stdout.isTTY) process.stdout.write('\u001b[H\u001b[2J');
};

/** Whether `writeData` writes to a terminal. */
export const showsData = (): boolean => process.stdout.isTTY;

const REDRAW_MILLIS = 100;

/**
 * Shows the progress of long work as one line that is rewritten on a terminal. Elsewhere it prints nothing,
 * so that standard error in a script has only errors.
 */
export const progressLine = (): { show(text: () => string): void; end(): void } => {
  const { stderr } = process;
  let last = Date.now();
  let shown = false;
  return {
    show: (text) => {
      if (!stderr.isTTY || Date.now() - last < REDRAW_MILLIS) return;
      last = Date.now();
      shown = true;
      stderr.write(`\r${text()}\u001b[K`);
    },
    end: () => {
      if (shown) stderr.write('\r\u001b[K');
    },
  };
};

/** A line that says how many are done. */
export const progress = (what: string): { at(done: number): void; end(): void } => {
  const line = progressLine();
  return {
    at: (done) => {
      line.show(() => `${what} ${done.toLocaleString('en')}`);
    },
    end: () => {
      line.end();
    },
  };
};

/** Does work that reports its progress and total; `what` makes the label from the total. */
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

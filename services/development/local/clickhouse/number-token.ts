/** What stands before a dot decides whether it begins a number, and after it what a number is. */
export interface Before {
  readonly kind: string;
  readonly text: string;
}

const isDigit = (text: string, at: number): boolean => /^\d$/.test(text.charAt(at));
const isHexDigit = (text: string, at: number): boolean => /^[\da-fA-F]$/.test(text.charAt(at));
const WORD_REST = /\w*/y;

type IsDigit = (text: string, at: number) => boolean;

/** Behind digits, which single underscores may separate. */
const digitsEnd = (text: string, from: number, is: IsDigit, begun: boolean): number => {
  let at = from;
  let maySeparate = begun;
  while (is(text, at) || (maySeparate && text[at] === '_' && is(text, at + 1))) {
    at += 1;
    maySeparate = true;
  }
  return at;
};

/** The end of an exponent that begins at `at`, if one does. Its sign must be followed by something. */
const exponentEnd = (text: string, at: number, marks: string): number => {
  if (at + 1 >= text.length || !marks.includes(text.charAt(at))) return at;
  const hasSign = at + 2 < text.length && /^[+-]$/.test(text.charAt(at + 1));
  return digitsEnd(text, at + (hasSign ? 2 : 1), isDigit, false);
};

/** The letters of a name that begins with a digit, or of a malformed number. */
const withWord = (text: string, at: number): number => {
  WORD_REST.lastIndex = at;
  WORD_REST.test(text);
  return WORD_REST.lastIndex;
};

const beginsAfterDot = (text: string, start: number, previous: Before | null): boolean => {
  if (start === 0) return true;
  if (!isDigit(text, start + 1)) return false;
  if (previous === null) return true;
  return !(
    ['word', 'quoted', 'number'].includes(previous.kind) ||
    (previous.kind === 'symbol' && [')', ']'].includes(previous.text))
  );
};

/** Where the number ends, or the word with a digit at its head, that begins at `start`; else `start`. */
export const numberEnd = (text: string, start: number, previous: Before | null): number => {
  if (text[start] === '.') {
    if (!beginsAfterDot(text, start, previous)) return start;
    return exponentEnd(text, digitsEnd(text, start + 1, isDigit, false), 'eE');
  }
  if (!isDigit(text, start)) return start;
  if (previous?.kind === 'symbol' && previous.text === '.') {
    return withWord(text, digitsEnd(text, start + 1, isDigit, true));
  }
  const isHex = /^0[xX][\da-fA-F]$/.test(text.slice(start, start + 3));
  const isBinary = /^0[bB][01]$/.test(text.slice(start, start + 3));
  const is = isHex ? isHexDigit : isDigit;
  const prefixed = isHex || isBinary;
  let at = digitsEnd(text, prefixed ? start + 2 : start + 1, is, !prefixed);
  if (text[at] === '.') at = digitsEnd(text, at + 1, is, false);
  return withWord(text, exponentEnd(text, at, isHex ? 'pP' : 'eE'));
};

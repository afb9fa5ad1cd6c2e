import stringWidth from 'string-width';

const escaped = (char: string): string => {
  const code = char.codePointAt(0) ?? 0;
  const hex = code.toString(16).padStart(4, '0');
  return code > 0xffff ? `\\u{${hex}}` : `\\u${hex}`;
};

/**
 * Makes foreign text safe to show. Senders choose names, messages and headers freely. They must not be able
 * to steer a terminal, begin a new line, or reverse or hide the text around them. Control and format
 * characters (bidi overrides, zero widths), line separators and unassigned code points are written as
 * `\u001b`. A backslash is doubled, so that the two can be told apart.
 */
export const printable = (text: string): string =>
  text.replace(/[\p{C}\p{Zl}\p{Zp}\\]/gu, (char) => (char === '\\' ? '\\\\' : escaped(char)));

/**
 * Makes our own text, which may contain foreign text, safe to show, and keeps its line breaks and tabs.
 * This is the last guard before a terminal. It cannot know which line breaks are ours, so foreign text must
 * go through `printable` when it is inserted.
 */
export const printableLines = (text: string): string =>
  text.replace(/[^\P{C}\n\t]|[\p{Zl}\p{Zp}]/gu, escaped);

/** The number of terminal columns that a printable text takes. */
export const widthOf = (text: string): number => stringWidth(text);

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

const firstOf = (parts: readonly string[], width: number): readonly string[] => {
  let taken = 0;
  const end = parts.findIndex((part) => (taken += widthOf(part)) > width);
  return end < 0 ? parts : parts.slice(0, end);
};

/**
 * Cuts a printable text to `width` columns. In a path, such as a resource's, the end says most, so the
 * middle is cut.
 */
export const cut = (text: string, width: number): string => {
  if (widthOf(text) <= width) return text;
  const parts = Array.from(graphemes.segment(text), ({ segment }) => segment);
  const room = Math.max(0, width - 1);
  if (!text.startsWith('/')) return `${firstOf(parts, room).join('')}…`;
  const head = Math.floor(room / 3);
  const tail = [...firstOf([...parts].reverse(), room - head)].reverse();
  return `${firstOf(parts, head).join('')}…${tail.join('')}`;
};

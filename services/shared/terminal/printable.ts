import stringWidth from 'string-width';

const escaped = (char: string): string => {
  const code = char.codePointAt(0) ?? 0;
  const hex = code.toString(16).padStart(4, '0');
  return code > 0xffff ? `\\u{${hex}}` : `\\u${hex}`;
};

/**
 * Foreign text as it may be shown: names, messages and headers hold whatever their sender liked, and
 * nothing of it may steer a terminal, begin a line of its own, or turn around or hide what stands beside
 * it. Controls, formats (bidi overrides, zero widths), line separators and what is no character are
 * written as `\u001b`; a backslash is doubled, so that the two are told apart.
 */
export const printable = (text: string): string =>
  text.replace(/[\p{C}\p{Zl}\p{Zp}\\]/gu, (char) => (char === '\\' ? '\\\\' : escaped(char)));

/**
 * Text of our own in which foreign text may stand, with its line breaks and tabs. The last guard in front
 * of a terminal: it cannot know which line breaks are ours, so foreign text goes through `printable` where
 * it is put in.
 */
export const printableLines = (text: string): string =>
  text.replace(/[^\P{C}\n\t]|[\p{Zl}\p{Zp}]/gu, escaped);

/** How many columns of a terminal a printable text takes. */
export const widthOf = (text: string): number => stringWidth(text);

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

const firstOf = (parts: readonly string[], width: number): readonly string[] => {
  let taken = 0;
  const end = parts.findIndex((part) => (taken += widthOf(part)) > width);
  return end < 0 ? parts : parts.slice(0, end);
};

/**
 * Cuts a printable text to so many columns. Of a path, such as a resource's, the end says most: there the
 * middle goes.
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

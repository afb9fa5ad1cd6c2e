import fc from 'fast-check';
import { cut, printable, printableLines, widthOf } from './printable.ts';

/** What moves a cursor, clears a screen, turns text around, hides it, or begins a line. */
const STEERS = /[\p{C}\p{Zl}\p{Zp}]/u;

test.each([
  [
    'an escape sequence that clears the screen',
    '\u001b[2Jno difference',
    '\\u001b[2Jno difference',
  ],
  ['the C1 control that begins one', '\u009b2J', '\\u009b2J'],
  ['a title that is set', '\u001b]0;x\u0007', '\\u001b]0;x\\u0007'],
  ['a line of its own', 'vm\nno difference', 'vm\\u000ano difference'],
  ['a return to the beginning of the line', 'vm\r0', 'vm\\u000d0'],
  ['a line separator', 'a\u2028b', 'a\\u2028b'],
  ['letters that turn around what follows', '\u202e1.00', '\\u202e1.00'],
  ['an isolate that is never closed', '\u2066a', '\\u2066a'],
  ['letters without a width', 'a\u200bb\ufeff', 'a\\u200bb\\ufeff'],
  ['half of a pair', 'a\ud800', 'a\\ud800'],
  ['a tag character of another plane', '\u{e0041}', '\\u{e0041}'],
  ['what looks like an escaped control', '\\u001b', '\\\\u001b'],
  ['letters of other scripts', 'Größe 計量 \u{1f600}', 'Größe 計量 \u{1f600}'],
])('foreign text is made printable: %s', (_, text, shown) => {
  expect(printable(text)).toBe(shown);
});

test('nothing that steers a terminal is left in any text, and two texts are never shown alike', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
      expect(printable(a)).not.toMatch(STEERS);
      expect(printableLines(a).replace(/[\n\t]/g, '')).not.toMatch(STEERS);
      expect(printable(a) === printable(b)).toBe(a === b);
    }),
  );
});

test('text of our own keeps its lines', () => {
  expect(printableLines('a\n\tb \\ \u001b[1m')).toBe('a\n\tb \\ \\u001b[1m');
});

test('a text is cut to columns, not to letters; of a path the middle goes', () => {
  expect(cut('abcdef', 6)).toBe('abcdef');
  expect(cut('abcdef', 5)).toBe('abcd…');
  expect(cut('計量計量', 5)).toBe('計量…');
  expect(cut('e\u0301e\u0301e\u0301', 2)).toBe('e\u0301…');
  expect(cut('/subscriptions/1/providers/x/vm7', 13)).toBe('/sub…rs/x/vm7');
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.nat(20), (text, width) => {
      const shown = printable(text);
      expect(widthOf(cut(shown, width))).toBeLessThanOrEqual(Math.max(1, width));
    }),
  );
});

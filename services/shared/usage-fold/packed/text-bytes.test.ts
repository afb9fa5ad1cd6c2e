import fc from 'fast-check';
import { asciiLower } from '../../model/placement.ts';
import { equalBytes, equalFolded, equalLowered, hashBytes, lowerWord } from './text-bytes.ts';
import { ViewedBytes } from './viewed-bytes.ts';

/** Letters of both cases, what stands next to them in ASCII, and characters of several bytes. */
const letters = fc.constantFrom(...Array.from('AZaz@[`{@Kk-/é߀😀\u0000\u007f'));
const texts = fc.array(letters, { maxLength: 30 }).map((all) => all.join(''));
const changed = texts.chain((text) =>
  fc.array(fc.boolean(), { minLength: text.length, maxLength: text.length }).map((upper) =>
    Array.from(text)
      .map((c, n) => (upper[n] === true ? asciiUpper(c) : c))
      .join(''),
  ),
);
const pairs = fc.oneof(
  fc.tuple(texts, texts),
  texts.map((text) => [text, text] as const),
  changed.map((text) => [text, asciiLower(text)] as const),
);

const asciiUpper = (text: string): string => text.replace(/[a-z]/g, (c) => c.toUpperCase());

/** A text at some place among other bytes, so that words of it are not aligned. */
const placed = (text: string, before: number) => {
  const bytes = Buffer.from(text, 'utf8');
  const all = Buffer.concat([Buffer.alloc(before, 0x41), bytes, Buffer.alloc(5, 0x61)]);
  return { view: new ViewedBytes(all).view, at: before, length: bytes.length };
};

test('texts are compared by words as they are by characters, wherever they stand', () => {
  fc.assert(
    fc.property(pairs, fc.nat(4), fc.nat(4), ([one, other], before, otherBefore) => {
      const a = placed(one, before);
      const b = placed(other, otherBefore);
      if (a.length !== b.length) return;
      const given = [a.view, a.at, b.view, b.at, a.length] as const;
      expect(equalBytes(...given)).toBe(one === other);
      expect(equalFolded(...given)).toBe(asciiLower(one) === asciiLower(other));
      expect(equalLowered(...given)).toBe(one === asciiLower(other));
    }),
    { numRuns: 2_000 },
  );
});

test('texts that differ only in case hash alike', () => {
  fc.assert(
    fc.property(changed, fc.nat(4), (text, before) => {
      const a = placed(text, before);
      const b = placed(asciiLower(text), 0);
      expect(hashBytes(1, a.view, a.at, a.length)).toBe(hashBytes(1, b.view, b.at, b.length));
    }),
  );
});

test('four bytes in lower case are what each of them is', () => {
  for (let byte = 0; byte < 256; byte++) {
    const lower = byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
    expect(lowerWord(byte)).toBe(lower);
    for (const other of [0x00, 0x41, 0x5a, 0x7f, 0x80, 0xc1, 0xff]) {
      const low = other === 0x41 || other === 0x5a ? other + 0x20 : other;
      const word = (byte << 24) | (other << 16) | (byte << 8) | other;
      expect(lowerWord(word)).toBe((lower << 24) | (low << 16) | (lower << 8) | low);
    }
  }
});

import { inKeyOrder } from '../../services/shared/usage-fold/closed-hour.ts';
import { windowKey, type Window } from '../../services/shared/usage-fold/window.ts';
import { PackedWindows } from '../../services/shared/usage-fold/packed/packed-windows.ts';
import { ClickHouseStore } from '../../services/shared/usage-store/clickhouse-store.ts';
import { asciiLower } from '../../services/shared/model/placement.ts';
import type { Quantity } from '../../services/shared/model/decimal.ts';
import { hour, placeOf } from '../support/fold/fixtures.ts';
import { openTestStack, type TestStack } from '../support/test-stack.ts';

let stack: TestStack;
beforeAll(async () => {
  stack = await openTestStack();
});
afterAll(() => stack.close());

const TEXTS = [
  "'",
  "\\'",
  '\\',
  "') OR 1=1 --",
  "'); DROP TABLE usage_hourly; --",
  '\\\\',
  "''",
  '"',
  '`',
  '{topic:String}',
  '{hour:UInt32}',
  '{',
  '$$a$$',
  '/* x */',
  '--',
  '#',
  ';',
  ' FORMAT TabSeparated',
  ' SETTINGS max_threads=1',
  'INTO OUTFILE',
  '\n',
  '\r\n',
  '\t',
  '\b',
  '\x01',
  '\x1f',
  '\x7f',
  '\u0085',
  '\u2028',
  '\u2029',
  '\ufeff',
  '\ufffd',
  '\uffff',
  '\u{10000}',
  '\u{10ffff}',
  'é',
  'e\u0301',
  '😀',
  'İ',
  'ß',
  '\\n',
  '\\x41',
  '\\0',
  '\\u0041',
  '\\N',
  'NULL',
  ' ',
  '  x ',
  '%',
  '%27',
  '?',
  ':a',
  '@p',
  'ǅ',
  '\ud7ff',
  '\ue000',
  'a\\',
  "a\\'b\\\\'",
  '\x1a',
  '\x0b',
  '\x0c',
  '\x1b[0m',
  'x'.repeat(1024),
  "'".repeat(1024),
  '\\'.repeat(1024),
  '\u{10000}'.repeat(256),
  'a',
  'a\x01',
  'aa',
  'ab',
  'a!',
  'a b',
  'A'.toLowerCase() + '\x01b',
];

const windowOf = (n: number, s: string, m: string, r: string): Window => ({
  usageHour: hour(-(n % 3)),
  subscriptionKey: asciiLower(s),
  meterKey: asciiLower(m),
  resourceKey: asciiLower(r),
  subscriptionId: s,
  meterId: m,
  resourceUri: r,
  location: s,
  tags: m,
  additionalInfo: r,
  quantity: BigInt(n + 1) as Quantity,
  eventCount: n + 1,
  firstOffset: n,
  lastOffset: n,
});

test('identities of any bytes are found again as they are, and come in the order of memory', async () => {
  const place = placeOf();
  const store = new ClickHouseStore(stack.clickHouse);
  const windows: Window[] = [];
  TEXTS.forEach((text, i) => {
    const other = TEXTS[(i * 7 + 3) % TEXTS.length] ?? '';
    for (const [s, m, r] of [
      [text, 'm', 'r'],
      ['s', text, 'r'],
      ['s', 'm', text],
      [text, other, text],
      [text, text, other],
    ] as const)
      windows.push(windowOf(windows.length, s, m, r));
  });
  const unique = [...new Map(windows.map((w) => [windowKey(w), w])).values()];
  const packed = new PackedWindows(place, hour(1), unique);
  await store.writeWindows(place, [
    { reportedHour: hour(1), ledger: [], windows: packed, deadLetters: [] },
  ]);
  const found = await store.storedWindows(place, hour(1), unique);
  const byKey = new Map(found.map((w) => [windowKey(w), w]));
  for (const w of unique) expect(byKey.get(windowKey(w))).toEqual(w);
  expect(found).toHaveLength(unique.length);
  const [one] = unique;
  expect(await store.storedWindows(place, hour(1), one ? [one] : [])).toEqual([one]);
  const ordered: Window[] = [];
  for await (const part of store.windowsInOrder(place, hour(1))) ordered.push(...part);
  const key = (w: Window) => [w.subscriptionKey, w.meterKey, w.resourceKey].join('\0');
  expect(ordered.map(key)).toEqual(inKeyOrder(unique).map(key));
  expect(new Set(ordered.map(windowKey)).size).toBe(unique.length);
  const all = await store.windows(place, hour(1), 1e9);
  const kept = new Map([...(all ?? [])].map((w) => [windowKey(w), w]));
  for (const w of unique) expect(kept.get(windowKey(w))).toEqual(w);
  expect(kept.size).toBe(unique.length);
  expect(await store.windows(place, hour(1), 1000)).toBeNull();
});

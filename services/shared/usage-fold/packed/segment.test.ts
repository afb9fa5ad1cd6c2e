import { hour, placeOf } from '../../../../test/support/fold/fixtures.ts';
import { nativeRows } from '../../../../test/support/fold/native-rows.ts';
import type { Quantity } from '../../model/decimal.ts';
import { millis } from '../../model/time.ts';
import type { LedgerEntry } from '../fold.ts';
import { PackedLedger } from './packed-ledger.ts';
import { PackedWindows } from './packed-windows.ts';
import { joined, Segment } from './segment.ts';

const texts = {
  subscriptionId: 'Sub',
  meterId: 'meter',
  resourceUri: '/r',
  location: 'local',
  additionalInfo: null,
};
const keys = { subscriptionKey: 'sub', meterKey: 'meter', resourceKey: '/r' };

const entryOf = (offset: number, tags: string | null = null): LedgerEntry => ({
  offset,
  reportedTime: millis(hour(1)),
  reportedHour: hour(1),
  candidate: {
    event: {
      ...texts,
      eventId: Buffer.alloc(16, offset),
      tags,
      usageStartTime: millis(hour(0)),
      usageEndTime: millis(hour(1)),
      quantity: Buffer.from([offset]),
    },
    quantity: BigInt(offset) as Quantity,
    usageHour: hour(0),
    ...keys,
    digest: 7n,
  },
});

const bytesOf = (rows: { packed?(): { readonly bytes: readonly Uint8Array[] } }): Buffer =>
  Buffer.concat(rows.packed?.().bytes ?? []);

const offsetsOf = (rows: Iterable<LedgerEntry>): number[] => [...rows].map(({ offset }) => offset);

test('successive cuts of a ledger are sent together, each row once', () => {
  const ledger = new PackedLedger(placeOf());
  const cuts = [[1, 2], [3], [], [4, 5]].map((offsets) => {
    for (const offset of offsets) ledger.push(entryOf(offset, `tags ${String(offset % 2)}`));
    return ledger.take();
  });
  expect(ledger).toHaveLength(0);
  expect(cuts.map(offsetsOf)).toEqual([[1, 2], [3], [], [4, 5]]);
  const [all, ...others] = joined(cuts);
  expect(others).toEqual([]);
  const alone = new PackedLedger(placeOf());
  for (const offset of [1, 2, 3, 4, 5]) alone.push(entryOf(offset, `tags ${String(offset % 2)}`));
  expect(all && bytesOf(all)).toEqual(bytesOf(alone.take()));
});

test('a cut can be sent alone, as where the next one is of another month', () => {
  const ledger = new PackedLedger(placeOf());
  const cuts = [[1, 2], [3], [4, 5]].map((offsets) => {
    for (const offset of offsets) ledger.push(entryOf(offset, offset === 3 ? null : 'tags'));
    return ledger.take();
  });
  const rows = cuts.map((cut) => (cut.packed ? nativeRows(cut.packed()) : []));
  expect(
    rows.map((some) => some.map((row) => [row['offset'], row['quantity'], row['tags']])),
  ).toEqual([
    [
      [1n, 1n, 'tags'],
      [2n, 2n, 'tags'],
    ],
    [[3n, 3n, null]],
    [
      [4n, 4n, 'tags'],
      [5n, 5n, 'tags'],
    ],
  ]);
});

test('what is to be sent stays as it is while more rows are added', () => {
  const ledger = new PackedLedger(placeOf());
  for (let offset = 0; offset < 10; offset++) ledger.push(entryOf(offset, `a${String(offset)}`));
  const rows = ledger.take();
  const before = rows.packed?.();
  const bytes = Buffer.concat(before?.bytes ?? []);
  for (let offset = 10; offset < 200; offset++) ledger.push(entryOf(offset, `b${String(offset)}`));
  expect(Buffer.concat(before?.bytes ?? [])).toEqual(bytes);
  expect(offsetsOf(rows)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(offsetsOf(ledger)).toHaveLength(190);
});

test('rows of other blocks, and rows between which others are, are not sent as one', () => {
  const ledger = new PackedLedger(placeOf());
  const cuts = [1, 2, 3].map((offset) => {
    ledger.push(entryOf(offset));
    return ledger.take();
  });
  const next = ledger.next();
  next.push(entryOf(4));
  const [first, , third] = cuts;
  if (!first || !third) throw new Error('a cut is missing');
  expect(joined([first, third, next.take()]).map(offsetsOf)).toEqual([[1], [3], [4]]);
  // Plain rows stay as they are.
  expect(joined([[1], [2]])).toEqual([[1], [2]]);
});

test('windows of successive hours are sent together, each with its hour', () => {
  const add = (windows: PackedWindows, quantity: bigint, offset: number): void => {
    windows.add(
      { ...texts, ...keys, tags: null, usageHour: hour(0) },
      quantity as Quantity,
      offset,
    );
  };
  const first = new PackedWindows(placeOf(), hour(1));
  add(first, 5n, 1);
  const taken = [first.takeTouched()];
  const second = first.next(hour(2));
  add(second, 7n, 2);
  taken.push(second.takeTouched());
  add(second, 1n, 3); // it is in a later cut as a total, and in the earlier one as it was
  taken.push(second.takeTouched());
  const [all, ...others] = joined(taken);
  expect(others).toEqual([]);
  expect([...(all ?? [])].map(({ quantity, lastOffset }) => [quantity, lastOffset])).toEqual([
    [5n, 1],
    [7n, 2],
    [8n, 3],
  ]);
  const seconds = Buffer.from(Uint32Array.of(...[1, 2, 2].map((n) => hour(n) / 1000)).buffer);
  expect(all instanceof Segment && bytesOf(all).includes(seconds)).toBe(true);

  second.separate();
  add(second, 1n, 4);
  expect(joined([...taken, second.takeTouched()])).toHaveLength(2);
});

import fc from 'fast-check';
import { hour, placeOf } from '../../../../test/support/fold/fixtures.ts';
import { asciiLower, resourceKey } from '../../model/placement.ts';
import type { Quantity } from '../../model/decimal.ts';
import { windowKey, type Window } from '../window.ts';
import { PackedWindows } from './packed-windows.ts';
import { StoredWindows } from './stored-windows.ts';

const text = fc.string({ unit: 'binary', maxLength: 200 });
const number = fc.oneof(fc.nat(), fc.integer({ min: 2 ** 31, max: 2 ** 52 }));

const windows = fc
  .array(
    fc.record({
      usageHour: fc.nat({ max: 5 }).map(hour),
      subscriptionId: text,
      meterId: fc.constantFrom('a', 'A', 'b'),
      resourceUri: text,
      location: text,
      tags: fc.option(text),
      additionalInfo: fc.option(text),
      quantity: fc.bigInt({ min: 0n, max: 10n ** 75n }).map((value) => value as Quantity),
      eventCount: number,
      firstOffset: number,
      lastOffset: number,
    }),
    { maxLength: 20 },
  )
  .map((rows) =>
    rows.map((row): Window => ({
      ...row,
      subscriptionKey: asciiLower(row.subscriptionId),
      meterKey: asciiLower(row.meterId),
      resourceKey: resourceKey(row.resourceUri),
    })),
  )
  .map((rows) => [...new Map(rows.map((row) => [windowKey(row), row])).values()]);

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};

const u64 = (value: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
};

const string = (value: string): Buffer => {
  const bytes = Buffer.from(value, 'utf8');
  const length: number[] = [];
  for (let rest = bytes.length; ; rest >>>= 7) {
    length.push(rest < 128 ? rest : (rest & 127) | 128);
    if (rest < 128) return Buffer.concat([Buffer.from(length), bytes]);
  }
};

const optional = (value: string | null): Buffer =>
  value === null ? Buffer.of(1) : Buffer.concat([Buffer.of(0), string(value)]);

const decimal = (value: bigint): Buffer =>
  Buffer.from(value.toString(16).padStart(64, '0'), 'hex').reverse();

/** As ClickHouse writes it. */
const encode = (row: Window): Buffer =>
  Buffer.concat([
    u32(row.usageHour / 1000),
    string(row.subscriptionId),
    string(row.meterId),
    string(row.resourceUri),
    string(row.location),
    optional(row.tags),
    optional(row.additionalInfo),
    decimal(row.quantity),
    u64(row.eventCount),
    u64(row.firstOffset),
    u64(row.lastOffset),
  ]);

test('stored windows are read as they were written, as objects and into arrays', () => {
  fc.assert(
    fc.property(windows, (rows) => {
      const stored = new StoredWindows(Buffer.concat(rows.map(encode)));
      expect([...stored]).toEqual(rows);
      expect([...new PackedWindows(placeOf(), hour(9), stored).values()]).toEqual(rows);
    }),
  );
});

test('windows that end within a row are not all of them', () => {
  fc.assert(
    fc.property(windows, fc.nat(), (rows, cut) => {
      const encoded = rows.map(encode);
      const last = encoded.at(-1)?.length ?? 0;
      fc.pre(last > 0);
      const bytes = Buffer.concat(encoded);
      const stored = new StoredWindows(bytes.subarray(0, bytes.length - 1 - (cut % (last - 1))));
      expect(() => [...stored]).toThrow(/out of range|outside buffer bounds/);
    }),
  );
});

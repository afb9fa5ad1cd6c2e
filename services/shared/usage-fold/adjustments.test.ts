import fc from 'fast-check';
import { byteBatches } from '../../../test/support/fold/byte-batch.ts';
import {
  eventOf,
  hour,
  keyring,
  knowledge,
  minute,
  placeOf,
  recordOf,
  rulesAt,
  rulesOf,
} from '../../../test/support/fold/fixtures.ts';
import { adjustmentHeaders } from '../model/adjustment-record.ts';
import { addQuantities, QUANTITY_LIMIT, ZERO, type Quantity } from '../model/decimal.ts';
import type { LogRecord } from '../model/log-record.ts';
import { DEFAULT_MAX_USAGE_AGE_MILLIS, serializeRules } from '../model/rules.ts';
import { millis, type Millis } from '../model/time.ts';
import type { UsageEvent } from '../model/usage-event.ts';
import { classify } from './classify.ts';
import { EventTable } from './event-table.ts';
import { initialState } from './fold.ts';
import { activate } from './knowledge.ts';
import { NO_TAIL } from './ledger-tail.ts';
import { PACKED } from './packed/form.ts';
import { RecordFolder } from './record-folder.ts';
import type { Verdict } from './verdict.ts';

const REPORTED = minute(30);
const place = placeOf();

const signed = (
  record: LogRecord,
  at = place,
  value = record.value,
  keys = keyring,
): LogRecord => ({
  ...record,
  headers: adjustmentHeaders(at, value ?? Buffer.of(), keys),
});

const judge = (record: LogRecord, reported = REPORTED, floor: Millis | null = null): Verdict =>
  classify(
    record,
    place,
    activate(rulesOf(), serializeRules(rulesOf())),
    { watermark: reported, floor },
    knowledge,
  );

const codeOf = (verdict: Verdict): string =>
  verdict.kind === 'dead-letter' ? verdict.code : verdict.kind;

const taken = recordOf(eventOf({ quantity: -5n as Quantity }), 1);

test('an adjustment below zero is a candidate with its sign', () => {
  expect(judge(signed(taken))).toMatchObject({ kind: 'candidate', candidate: { quantity: -5n } });
});

test.each<[string, LogRecord]>([
  ['no signature', taken],
  ['a signature for another place', signed(taken, { ...place, partition: 1 })],
  ['a signature for another epoch', signed(taken, { ...place, epoch: 2 })],
  ['a signature for other bytes', signed(taken, place, Buffer.from('x'))],
  [
    'a signature by a key that the rules do not accept',
    signed(taken, place, taken.value, [{ id: 'other', secret: Buffer.alloc(32, 7) }]),
  ],
  [
    'a signature by another secret under an accepted id',
    signed(taken, place, taken.value, [{ id: 'test', secret: Buffer.alloc(32, 3) }]),
  ],
])('nobody takes usage back with %s', (_, record) => {
  expect(codeOf(judge(record))).toBe('negative-quantity');
});

test('nobody takes usage back with a key that this process has and the rules do not accept', () => {
  const rules = rulesOf({ controlKeys: [{ id: 'newer', fingerprint: 'x' }] });
  const active = activate(rules, serializeRules(rules));
  const times = { watermark: REPORTED, floor: null };
  expect(codeOf(classify(signed(taken), place, active, times, knowledge))).toBe(
    'negative-quantity',
  );
});

test('a control record cannot pass for an adjustment, nor an adjustment for a control record', () => {
  const control = rulesAt(place, 1);
  const asAdjustment = {
    ...taken,
    headers: {
      'usage-adjustment-key': 'test',
      'usage-adjustment-signature': control.headers['usage-control-signature'] ?? '',
    },
  };
  expect(codeOf(judge(asAdjustment))).toBe('negative-quantity');
});

test.each<[bigint, string]>([
  [1n - QUANTITY_LIMIT, 'candidate'],
  [0n - QUANTITY_LIMIT, 'quantity-too-large'],
  [QUANTITY_LIMIT, 'quantity-too-large'],
  [QUANTITY_LIMIT - 1n, 'candidate'],
])('an adjustment by %s is: %s', (quantity, code) => {
  const record = recordOf(eventOf({ quantity: quantity as Quantity }), 1);
  expect(codeOf(judge(signed(record)))).toBe(code);
});

test('an adjustment may be of any age above the floor, and not of the future', () => {
  const later = millis(REPORTED + 2 * DEFAULT_MAX_USAGE_AGE_MILLIS);
  expect(codeOf(judge(recordOf(eventOf(), 1), later))).toBe('too-old');
  expect(codeOf(judge(signed(taken), later))).toBe('candidate');
  expect(codeOf(judge(signed(taken), later, minute(0)))).toBe('candidate');
  expect(codeOf(judge(signed(taken), later, minute(1)))).toBe('below-floor');
  const future = recordOf(eventOf({ usageStartTime: hour(1), usageEndTime: hour(2) }), 1);
  expect(codeOf(judge(signed(future)))).toBe('in-future');
});

/** Folds records from bytes, as the aggregator does. */
const folded = async (records: readonly LogRecord[]) => {
  const state = initialState(place, 0, PACKED);
  const folder = new RecordFolder(
    { state, tail: NO_TAIL },
    knowledge,
    { indexMaxBytes: Infinity, windowsMaxBytes: Infinity },
    {
      eventTables: (hours) => Promise.resolve(new Map(hours.map((at) => [at, new EventTable()]))),
      storedWindows: () => Promise.resolve([]),
      endHour: () => Promise.resolve(),
      store: () => Promise.resolve(),
    },
  );
  const all = [rulesAt(place, 0), ...records];
  expect(await folder.fold(byteBatches(all), all.length)).toBeNull();
  return state;
};

const amounts = fc.oneof(
  fc.bigInt({ min: 1n - QUANTITY_LIMIT, max: QUANTITY_LIMIT - 1n }),
  fc.bigInt({ min: -3n, max: 3n }),
  fc.constantFrom(-(2n ** 32n), 2n ** 32n, -(2n ** 64n), 2n ** 64n - 1n),
) as fc.Arbitrary<Quantity>;

test('a window is the exact sum of its events and adjustments, and each id counts once', async () => {
  const usage = fc.array(
    fc.record({ vm: fc.integer({ min: 1, max: 3 }), quantity: amounts, repeats: fc.boolean() }),
    { minLength: 1, maxLength: 30 },
  );
  await fc.assert(
    fc.asyncProperty(usage, async (given) => {
      const records: LogRecord[] = [];
      const sums = new Map<string, Quantity>();
      for (const [n, { vm, quantity, repeats }] of given.entries()) {
        const changes: Partial<UsageEvent> = {
          quantity,
          resourceUri: `${eventOf().resourceUri}-${String(vm)}`,
        };
        for (let times = repeats ? 2 : 1; times > 0; times--) {
          const record = recordOf(eventOf(changes, String(n)), records.length + 1);
          records.push(quantity < 0n ? signed(record) : record);
        }
        const key = String(vm);
        sums.set(key, addQuantities(sums.get(key) ?? ZERO, quantity));
      }
      const { windows, counts, pending } = await folded(records);
      const found = [...windows.values()].map(
        ({ resourceUri, quantity }) => [resourceUri.split('-').at(-1), quantity] as const,
      );
      expect(new Map(found)).toEqual(sums);
      expect(counts.accepted).toBe(given.length);
      expect(counts.duplicate).toBe(records.length - given.length);
      expect([...pending.ledger].map(({ candidate }) => candidate.quantity)).toEqual(
        given.map(({ quantity }) => quantity),
      );
    }),
    { numRuns: 100 },
  );
});

test('an adjustment with the id of another one is a conflict', async () => {
  const event = eventOf({ quantity: -5n as Quantity });
  const other = { ...event, quantity: -6n as Quantity };
  const { counts, pending } = await folded([
    signed(recordOf(event, 1)),
    signed(recordOf(other, 2)),
  ]);
  expect(counts).toMatchObject({ accepted: 1, deadLettered: 1 });
  expect(pending.deadLetters.map(({ code }) => code)).toEqual(['conflict']);
});

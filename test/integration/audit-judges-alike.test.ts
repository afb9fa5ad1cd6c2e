import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cut } from '../../services/shared/usage-fold/chunk.ts';
import { count, initialState, mustCutBefore } from '../../services/shared/usage-fold/fold.ts';
import { advance } from '../../services/shared/usage-fold/timeline.ts';
import { EventIndex } from '../../services/shared/usage-fold/event-index.ts';
import { EventTable } from '../../services/shared/usage-fold/event-table.ts';
import type { Place } from '../../services/shared/usage-fold/place.ts';
import { Recount } from '../../services/operations/audit/recount.ts';
import { firstBeginning } from '../../services/operations/audit/beginning.ts';
import { SeenIds } from '../../services/operations/audit/seen-ids.ts';
import { usageReader } from '../../services/operations/audit/usage.ts';
import { readSchemaDirectory } from '../../services/shared/avro/schema-directory.ts';
import { adjustmentHeaders } from '../../services/shared/model/adjustment-record.ts';
import { serializeFloor } from '../../services/shared/model/ledger-floor.ts';
import type { LogRecord } from '../../services/shared/model/log-record.ts';
import { redriveHeaders } from '../../services/shared/model/redrive.ts';
import { HOUR_MILLIS, millis } from '../../services/shared/model/time.ts';
import type { Quantity } from '../../services/shared/model/decimal.ts';
import type { UsageEvent } from '../../services/shared/model/usage-event.ts';
import {
  controlAt,
  eventOf,
  forgedAt,
  historyPlace,
  hour,
  keyring,
  knowledge,
  placeOf,
  recordOf,
  rulesAt,
} from '../support/fold/fixtures.ts';
import { generateWorkload } from '../support/workload/generate-workload.ts';
import { seededRandom } from '../support/workload/random.ts';
import { timeOf } from '../../services/shared/model/time-text.ts';

/**
 * The audit and the aggregator judge records with code that shares nothing but the words. Where the
 * two disagree, one of them is wrong: they are shown the same records, most of them broken somehow.
 */
let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'audit-judges-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

/** What each of the two makes of a log: for each record what it counts as, and the code. */
const bothOf = (place: Place, log: readonly LogRecord[]) => {
  const schemas = readSchemaDirectory();
  const state = initialState(place, log[0]?.offset ?? 0);
  const index = new EventIndex(Infinity);
  const folded = log.map((record) => {
    const step = advance(place, state.timeline, record, knowledge);
    if (step.verdict.kind === 'candidate') {
      const missing = index.missing([step.verdict.candidate.usageHour]);
      for (const usageHour of missing) index.put(usageHour, new EventTable());
    }
    if (mustCutBefore(state, step)) cut(state);
    const outcome = count(state, step, index);
    const letter = state.pending.deadLetters.at(-1);
    const code = outcome === 'dead-lettered' ? (letter?.code ?? '') : '';
    return `${String(record.offset)} ${outcome} ${code}`.trim();
  });

  const recount = new Recount(
    {
      place,
      source: place.source,
      keyring,
      schemas,
      read: usageReader(schemas),
      seen: new SeenIds(directory, Infinity),
    },
    firstBeginning(place.source, log[0]?.offset ?? 0),
  );
  const recounted = log.map((record) => {
    const before = { ...recount.counts };
    recount.count([recount.judge(record)]);
    const { accepted, duplicate, deadLettered } = recount.counts;
    if (accepted > before.accepted) return `${String(record.offset)} accepted`;
    if (duplicate > before.duplicate) return `${String(record.offset)} duplicate`;
    return deadLettered > before.deadLettered
      ? `${String(record.offset)} dead-lettered ${recount.refused.at(-1)?.code ?? ''}`
      : `${String(record.offset)} control`;
  });
  recount.skipTo(state.nextOffset);
  recount.closeCounted();
  return { state, recount, folded, recounted };
};

const agree = (place: Place, log: readonly LogRecord[]): readonly string[] => {
  const { state, recount, folded, recounted } = bothOf(place, log);
  expect(recounted).toEqual(folded);
  expect({ ...recount.counts, lost: 0 }).toEqual(state.counts);
  const { watermark, openHour, sealed, floor } = state.timeline;
  expect(recount).toMatchObject({ watermark, openHour, sealed, floor });
  return recounted;
};

test('a workload with everything bad in it, and every one of its records broken by chance', () => {
  const random = seededRandom(3);
  const place = placeOf({ partitions: 2, namespaces: ['microsoft.compute'] });
  const log: LogRecord[] = [rulesAt(place, 0)];
  for (const emission of generateWorkload({
    seed: 4,
    events: 20_000,
    tenants: 4,
    resourcesPerTenant: 4,
    topics: [place.source],
    reportedFrom: hour(0),
    reportedTo: hour(30),
  })) {
    if (emission.partition !== place.partition) continue;
    const { key, headers, timestamp } = emission;
    const value = emission.value && Buffer.from(emission.value);
    if (value && random.chance(0.7)) {
      for (let n = random.below(3); n >= 0; n--) {
        value[random.below(value.length)] = random.below(256);
      }
    }
    const cut = random.chance(0.05) ? random.below(100) : Infinity;
    log.push({
      offset: (log.at(-1)?.offset ?? 0) + 1 + random.below(2), // with gaps
      timestamp,
      key: random.chance(0.02) ? null : key,
      value: random.chance(0.01) ? null : (value?.subarray(0, cut) ?? null),
      headers,
    });
  }
  const codes = new Set(agree(place, log).map((each) => each.split(' ').slice(1).join(' ')));
  expect(codes.size).toBeGreaterThan(15);
  expect(codes).toContain('accepted');
});

test('control records: rules, ticks, floors and ends, right, forged, repeated and out of place', () => {
  for (const place of [placeOf(), historyPlace()]) {
    const late = hour(3);
    const floor = millis(hour(0) - 100 * 24 * HOUR_MILLIS);
    const event = eventOf({ usageStartTime: hour(0), usageEndTime: hour(1) });
    const log = [
      recordOf(event, 0),
      rulesAt(place, 1),
      rulesAt(place, 2, late),
      rulesAt(place, 3, late, { version: 1, maxUsageAgeMillis: 1 }),
      rulesAt(place, 4, late, { version: 2, maxUsageAgeMillis: 2 * HOUR_MILLIS }),
      recordOf(event, 5, late),
      recordOf(eventOf({ usageStartTime: hour(1), usageEndTime: hour(2) }), 6, late),
      recordOf(event, 7, late, {
        headers: redriveHeaders(
          place,
          { ...place, offset: 5, reportedTime: millis(hour(1)) },
          recordOf(event, 5, late).value,
          keyring,
        ),
      }),
      controlAt(place, 'tick', 8, late),
      controlAt(place, 'floor', 9, late, serializeFloor(floor)),
      controlAt(place, 'floor', 10, late, serializeFloor(millis(hour(2)))),
      controlAt(place, 'floor', 11, late, serializeFloor(millis(hour(1)))),
      recordOf(event, 12, late, { headers: forgedRedrive(place, event) }),
      controlAt(place, 'floor', 13, late, 'no floor'),
      controlAt(place, 'closed', 14, late),
      controlAt(place, 'rules', 15, late, '{}'),
      controlAt(place, 'tick', 16, late, '', [{ id: 'test', secret: Buffer.alloc(32, 9) }]),
      { ...controlAt(place, 'tick', 17, late), headers: { 'usage-control': '' } },
      controlAt(place, 'end', 18, late),
      controlAt(place, 'end', 19, late),
      forgedAt(place, 'end', 20, late),
      controlAt(place, 'tick', 25, hour(4)),
      recordOf(event, 26, late),
    ];
    agree(place, log);
  }
});

/** A redrive that was signed for other bytes. */
const forgedRedrive = (place: Place, event: ReturnType<typeof eventOf>) =>
  redriveHeaders(
    place,
    { ...place, offset: 5, reportedTime: millis(hour(1)) },
    Buffer.from(event.resourceUri),
    keyring,
  );

/** What no identity may hold. */
const CONTROLS = [
  ...Array.from({ length: 0x20 }, (_, n) => n),
  ...Array.from({ length: 0x21 }, (_, n) => 0x7f + n),
  0x2028,
  0x2029,
].map((code) => String.fromCodePoint(code));

test('values at their very limits', () => {
  const place = placeOf();
  const reported = hour(2);
  const age = HOUR_MILLIS;
  const uriOf = (bytes: number): string => {
    const { resourceUri } = eventOf();
    return resourceUri.padEnd(bytes, 'x');
  };
  const max = 10n ** 45n;
  const changes: readonly Partial<UsageEvent>[] = [
    { meterId: 'm'.repeat(1024) },
    { meterId: 'm'.repeat(1025) },
    { meterId: 'é'.repeat(512) },
    { meterId: 'é'.repeat(513) },
    { meterId: '' },
    { meterId: 'm\0', subscriptionId: '' },
    ...CONTROLS.map((character) => ({ meterId: `m${character}` })),
    { meterId: 'm\u00a0\u{1f600}' },
    { resourceUri: uriOf(1024) },
    { resourceUri: uriOf(1025) },
    { usageStartTime: millis(reported), usageEndTime: millis(reported + 1) },
    { usageStartTime: millis(reported + 1), usageEndTime: millis(reported + 2) },
    { usageStartTime: millis(reported - age), usageEndTime: hour(2) },
    { usageStartTime: millis(reported - age - 1), usageEndTime: hour(1) },
    { usageStartTime: millis(hour(1) + 5), usageEndTime: millis(hour(1) + 5) },
    { usageStartTime: hour(1), usageEndTime: millis(hour(2) + 1) },
    {
      usageStartTime: timeOf('0001-01-01T00:00:00Z'),
      usageEndTime: timeOf('9999-01-01T00:00:00Z'),
    },
    { quantity: (max - 1n) as Quantity },
    { quantity: max as Quantity },
    { quantity: 0n as Quantity },
    { quantity: -1n as Quantity },
  ].map((change) => ({ usageStartTime: hour(1), usageEndTime: hour(2), ...change }));
  const log = [
    rulesAt(place, 0, reported, { maxUsageAgeMillis: age }),
    ...changes.map((change, n) => recordOf(eventOf(change, String(n)), n + 1, reported)),
  ];
  expect(agree(place, log).map((each) => each.split(' ').slice(1).join(' '))).toEqual([
    'control',
    'accepted',
    'dead-lettered invalid-identity',
    'accepted',
    'dead-lettered invalid-identity',
    'dead-lettered invalid-identity',
    'dead-lettered invalid-identity',
    ...CONTROLS.map(() => 'dead-lettered invalid-text'),
    'accepted',
    'accepted',
    'dead-lettered invalid-identity',
    'accepted',
    'dead-lettered in-future',
    'accepted',
    'dead-lettered too-old',
    'dead-lettered invalid-period',
    'dead-lettered spans-hours',
    'dead-lettered spans-hours',
    'accepted',
    'dead-lettered quantity-too-large',
    'accepted',
    'dead-lettered negative-quantity',
  ]);
});

test('adjustments: signed and not, for another place, by another key, too old, too large, repeated', () => {
  const place = placeOf();
  const age = HOUR_MILLIS;
  const late = hour(5);
  const record = (changes: Partial<UsageEvent>, offset: number, which = ''): LogRecord =>
    recordOf(
      eventOf({ usageStartTime: hour(4), usageEndTime: hour(5), ...changes }, which),
      offset,
      late,
    );
  const signed = (each: LogRecord, at = place, keys = keyring): LogRecord => ({
    ...each,
    headers: adjustmentHeaders(at, each.value ?? Buffer.of(), keys),
  });
  const limit = 10n ** 45n;
  const old = { usageStartTime: hour(1), usageEndTime: hour(2) };
  const log = [
    signed(record({ quantity: -1n as Quantity }, 0)),
    rulesAt(place, 1, late, { maxUsageAgeMillis: age }),
    record({ quantity: -1n as Quantity }, 2),
    signed(record({ quantity: -1n as Quantity }, 3)),
    signed(record({ quantity: -1n as Quantity }, 4)),
    signed(record({ quantity: -2n as Quantity }, 5)),
    signed(record({ quantity: -3n as Quantity }, 6, 'a'), { ...place, epoch: 2 }),
    signed(record({ quantity: -3n as Quantity }, 7, 'b'), place, [
      { id: 'test', secret: Buffer.alloc(32, 9) },
    ]),
    signed(record({ quantity: (1n - limit) as Quantity }, 8, 'c')),
    signed(record({ quantity: -limit as Quantity }, 9, 'd')),
    signed(record({ quantity: limit as Quantity }, 10, 'e')),
    record(old, 11),
    signed(record(old, 12)),
    controlAt(place, 'floor', 13, late, serializeFloor(hour(2))),
    signed(record(old, 14, 'f')),
    signed(record({ ...old, quantity: -1n as Quantity }, 15, 'g')),
  ];
  expect(agree(place, log).map((each) => each.split(' ').slice(1).join(' '))).toEqual([
    'dead-lettered no-rules',
    'control',
    'dead-lettered negative-quantity',
    'accepted',
    'duplicate',
    'dead-lettered conflict',
    'dead-lettered negative-quantity',
    'dead-lettered negative-quantity',
    'accepted',
    'dead-lettered quantity-too-large',
    'dead-lettered quantity-too-large',
    'dead-lettered too-old',
    'accepted',
    'control',
    'dead-lettered below-floor',
    'dead-lettered below-floor',
  ]);
});

import fc from 'fast-check';
import type { Chunk } from '../../../services/shared/usage-fold/chunk.ts';
import type { Place } from '../../../services/shared/usage-fold/place.ts';
import type { ControlKind } from '../../../services/shared/model/control-record.ts';
import type { Quantity } from '../../../services/shared/model/decimal.ts';
import type { LogRecord } from '../../../services/shared/model/log-record.ts';
import { resourceKey } from '../../../services/shared/model/placement.ts';
import { millis } from '../../../services/shared/model/time.ts';
import { uuidText } from '../../../services/shared/model/usage-event.ts';
import type { Emission } from '../workload/emission.ts';
import { ExpectedTotals } from '../workload/expected-totals.ts';
import {
  controlAt,
  attributesOf,
  encodeEvent,
  eventOf,
  forgedAt,
  historyPlace,
  hour,
  knowledge,
  minute,
  placeOf,
  rulesAt,
} from './fixtures.ts';
import { FoldRun } from './fold-run.ts';
import { StoredWorld } from './stored-world.ts';

/** A record of a log, small in its choices, so that ids and windows meet often. */
type Item = { readonly minutes: number; readonly gap: number } & (
  | {
      readonly kind: 'event';
      readonly id: number;
      readonly usageHour: number;
      readonly quantity: number;
      readonly upper: boolean;
    }
  | { readonly kind: 'bad' | 'forged' | 'tick' | 'rules' | 'end' }
);

const when = {
  /** Since the last record; below zero where a writer's clock goes back. */
  minutes: fc.oneof(
    { weight: 14, arbitrary: fc.integer({ min: -3, max: 4 }) },
    { weight: 1, arbitrary: fc.integer({ min: 30, max: 130 }) },
  ),
  gap: fc.oneof(
    { weight: 9, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 3 }) },
  ),
};

const items = (rare: readonly ('tick' | 'rules' | 'end')[]): fc.Arbitrary<Item[]> =>
  fc.array(
    fc.oneof(
      {
        weight: 8,
        arbitrary: fc.record({
          ...when,
          kind: fc.constant('event' as const),
          id: fc.integer({ min: 0, max: 9 }),
          usageHour: fc.integer({ min: -1, max: 2 }),
          quantity: fc.integer({ min: 0, max: 2 }),
          upper: fc.boolean(),
        }),
      },
      {
        weight: 2,
        arbitrary: fc.record({ ...when, kind: fc.constantFrom('bad', 'forged', ...rare) }),
      },
    ),
    { maxLength: 60, size: 'max' },
  );

export interface Scenario {
  readonly place: Place;
  readonly log: readonly LogRecord[];
  readonly expected: ExpectedTotals;
  /** What fast-check prints where a property fails. */
  readonly [fc.toStringMethod]: () => string;
}

/** Writes the items down as a log, and tells them to the oracle. */
const scenarioOf = (place: Place, given: readonly Item[], rulesFirst: boolean): Scenario => {
  const expected = new ExpectedTotals([place.source]);
  const log: LogRecord[] = [];
  let timestamp = minute(0);
  let rulesVersion = 0;
  let offset = 0;
  const first: Item = { kind: 'rules', minutes: 0, gap: 0 };
  for (const item of rulesFirst ? [first, ...given] : given) {
    timestamp = millis(timestamp + item.minutes * 60_000);
    offset += item.gap;
    const bad = (record: LogRecord, code: 'malformed' | 'forged-control'): void => {
      log.push(record);
      expected.record(place, offset, timestamp, emissionOf(place, record, { kind: 'bad', code }));
    };
    const control = (record: LogRecord, kind: ControlKind): void => {
      log.push(record);
      expected.control(place, offset, timestamp, kind, record);
    };
    switch (item.kind) {
      case 'event': {
        const event = eventOf(
          {
            usageStartTime: hour(item.usageHour),
            usageEndTime: hour(item.usageHour + 1),
            meterId: item.id % 2 === 0 ? 'METER-A' : 'METER-B',
            ...attributesOf(item.id),
          },
          String(item.id),
        );
        const sent = {
          ...event,
          meterId: item.upper ? event.meterId.toLowerCase() : event.meterId,
          quantity: BigInt(item.quantity) as Quantity,
        };
        const record = {
          offset,
          timestamp,
          key: Buffer.from(resourceKey(sent.resourceUri)),
          value: encodeEvent(sent),
          headers: {},
        };
        log.push(record);
        expected.record(
          place,
          offset,
          timestamp,
          emissionOf(place, record, { kind: 'event', event: sent }),
        );
        break;
      }
      case 'bad':
        bad({ offset, timestamp, key: null, value: null, headers: {} }, 'malformed');
        break;
      case 'forged':
        bad(forgedAt(place, 'end', offset, timestamp), 'forged-control');
        break;
      case 'rules':
        rulesVersion++;
        control(rulesAt(place, offset, timestamp, { version: rulesVersion }), 'rules');
        break;
      default:
        control(controlAt(place, item.kind, offset, timestamp), item.kind);
    }
    offset++;
  }
  const text = JSON.stringify({ kind: place.source.kind, rulesFirst, items: given });
  return { place, log, expected, [fc.toStringMethod]: () => text };
};

const emissionOf = (place: Place, record: LogRecord, intent: Emission['intent']): Emission => ({
  kind: 'fresh',
  topic: place.topic,
  epoch: place.epoch,
  partition: place.partition,
  key: record.key,
  value: record.value,
  headers: record.headers,
  timestamp: record.timestamp,
  intent,
});

const rulesFirst = fc.integer({ min: 0, max: 9 }).map((n) => n > 0);
export const live = fc
  .tuple(items(['tick', 'rules', 'end']), rulesFirst)
  .map(([given, first]) => scenarioOf(placeOf(), given, first));
const history = fc
  .tuple(items(['rules', 'end']), rulesFirst)
  .map(([given, first]) => scenarioOf(historyPlace(), given, first));
export const scenarios = fc.oneof(live, history);

/** Everything that is stored, without the versions and the times of writing. */
export const contentOf = (world: StoredWorld) => ({
  checkpoint: world.checkpoint,
  windows: [...world.windows].sort(([a], [b]) => (a < b ? -1 : 1)),
  deadLetters: [...world.deadLetters.values()]
    .map(({ record, code, reportedTime }) => ({ offset: record.offset, code, reportedTime }))
    .sort((a, b) => a.offset - b.offset),
  ledger: [...world.ledger.values()]
    .map(({ offset, reportedHour, reportedTime, candidate }) => ({
      offset,
      reportedHour,
      reportedTime,
      id: uuidText(candidate.event.eventId),
    }))
    .sort((a, b) => a.offset - b.offset),
  published: [...world.published]
    .map(([closedHour, digests]) => [closedHour, [...new Set(digests)]])
    .sort(),
});

export const storeAll =
  (world: StoredWorld) =>
  (chunk: Chunk): void =>
    world.writesOf([chunk]).forEach((write) => write());

/** The log folded in one go by one owner. */
export const foldAtOnce = ({ place, log }: Scenario): StoredWorld => {
  const world = new StoredWorld(place);
  const run = new FoldRun(world, knowledge);
  expect(run.fold(log, storeAll(world))).toBeNull();
  run.cut(storeAll(world));
  return world;
};

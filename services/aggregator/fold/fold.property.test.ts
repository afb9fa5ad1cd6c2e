import fc from 'fast-check';
import {
  encodeEvent,
  eventOf,
  forgedAt,
  historyPlace,
  hour,
  knowledge,
  minute,
  placeOf,
  controlAt,
  rulesAt,
} from '../../../test/support/fold/fixtures.ts';
import { FoldRun } from '../../../test/support/fold/fold-run.ts';
import { StoredWorld } from '../../../test/support/fold/stored-world.ts';
import type { Emission } from '../../../test/support/workload/emission.ts';
import { ExpectedTotals } from '../../../test/support/workload/expected-totals.ts';
import type { ControlKind } from '../../shared/control-record.ts';
import type { Quantity } from '../../shared/decimal.ts';
import type { LogRecord } from '../../shared/log-record.ts';
import { resourceKey } from '../../shared/placement.ts';
import { hourOf, HOUR_MILLIS, millis } from '../../shared/time.ts';
import { uuidText } from '../../shared/usage-event.ts';
import type { Chunk } from './chunk.ts';
import { windowKey } from './window.ts';
import type { Place } from './verdict.ts';

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

interface Scenario {
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
const live = fc
  .tuple(items(['tick', 'rules', 'end']), rulesFirst)
  .map(([given, first]) => scenarioOf(placeOf(), given, first));
const history = fc
  .tuple(items(['rules', 'end']), rulesFirst)
  .map(([given, first]) => scenarioOf(historyPlace(), given, first));
const scenarios = fc.oneof(live, history);

/** Everything that is stored, without the versions and the times of writing. */
const contentOf = (world: StoredWorld) => ({
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

const storeAll =
  (world: StoredWorld) =>
  (chunk: Chunk): void =>
    world.writesOf(chunk).forEach((write) => write());

/** The log folded in one go by one owner. */
const foldAtOnce = ({ place, log }: Scenario): StoredWorld => {
  const world = new StoredWorld(place);
  const run = new FoldRun(world, knowledge);
  expect(run.fold(log, storeAll(world))).toBeNull();
  run.cut(storeAll(world));
  return world;
};

test('the fold stores what the oracle expects', () => {
  fc.assert(
    fc.property(scenarios, (scenario) => {
      const world = foldAtOnce(scenario);
      const { place, expected } = scenario;
      const partition = expected.partition(place);
      expect(world.checkpoint).toMatchObject({
        nextOffset: partition.nextOffset,
        watermark: partition.watermark,
        closedThrough: partition.closedThrough,
        sealed: partition.sealed,
        counts: {
          accepted: partition.accepted,
          duplicate: partition.duplicate,
          deadLettered: partition.deadLettered,
          control: partition.control,
        },
      });
      const windows = [...expected.hourly()].map((window) => ({
        reported: window.reported,
        usage: window.usage,
        quantity: window.quantity,
        eventCount: window.eventCount,
        firstOffset: window.firstOffset,
        lastOffset: window.lastOffset,
        meterId: window.first.meterId,
      }));
      const stored = [...world.windows.values()].map(({ reportedHour, window }) => ({
        reported: reportedHour,
        usage: window.usageHour,
        quantity: window.quantity,
        eventCount: window.eventCount,
        firstOffset: window.firstOffset,
        lastOffset: window.lastOffset,
        meterId: window.meterId,
      }));
      const byFirst = (a: { firstOffset: number }, b: { firstOffset: number }): number =>
        a.firstOffset - b.firstOffset;
      expect(stored.sort(byFirst)).toEqual(windows.sort(byFirst));
      expect(contentOf(world).deadLetters).toEqual(
        partition.deadLetters.map(({ offset, code, reportedTime }) => ({
          offset,
          code,
          reportedTime,
        })),
      );
      expect(
        contentOf(world).ledger.map(({ offset, reportedTime }) => [offset, reportedTime]),
      ).toEqual(partition.events.map(({ offset, reportedTime }) => [offset, reportedTime]));
    }),
    { numRuns: 300 },
  );
});

/** How a life of an owner goes: batches of these sizes, after each perhaps a cut; then a crash. */
const lives = fc.array(
  fc.record({
    batches: fc.array(fc.record({ size: fc.integer({ min: 1, max: 12 }), cut: fc.boolean() }), {
      minLength: 1,
      maxLength: 4,
    }),
    /** Of the writes of the last flush so many were done; the others may come later, or never. */
    writes: fc.integer({ min: 0, max: 5 }),
    zombie: fc.boolean(),
  }),
  { minLength: 1, maxLength: 6 },
);

test('any batches, cuts, crashes between writes and late writes of zombies store the same', () => {
  fc.assert(
    fc.property(scenarios, lives, (scenario, given) => {
      const { place, log } = scenario;
      const world = new StoredWorld(place);
      const late: (() => void)[] = [];
      for (const life of given) {
        const run = new FoldRun(world, knowledge);
        expect(run.halt).toBeNull();
        for (const { size, cut } of life.batches) {
          const start = log.findIndex(({ offset }) => offset >= run.state.nextOffset);
          if (start < 0) break;
          expect(run.fold(log.slice(start, start + size), storeAll(world))).toBeNull();
          if (cut) run.cut(storeAll(world));
        }
        late.splice(0).forEach((write) => write());
        run.cut((chunk) => {
          const writes = world.writesOf(chunk);
          writes.slice(0, life.writes).forEach((write) => write());
          if (life.zombie) late.push(...writes.slice(life.writes));
        });
      }
      const last = new FoldRun(world, knowledge);
      expect(last.fold(log, storeAll(world))).toBeNull();
      last.cut(storeAll(world));
      late.forEach((write) => write());
      expect(contentOf(world)).toEqual(contentOf(foldAtOnce(scenario)));
    }),
    { numRuns: 300 },
  );
});

test('at every prefix each record is counted once, each accepted event in one window', () => {
  fc.assert(
    fc.property(scenarios, ({ place, log }) => {
      const world = new StoredWorld(place);
      const run = new FoldRun(world, knowledge);
      const closedEvents = (): number => {
        let sum = 0;
        for (const { windows } of run.state.pending.closed) {
          for (const { eventCount } of windows) sum += eventCount;
        }
        return sum;
      };
      let storedClosed = 0;
      let accepted = 0;
      const broken: unknown[] = [];
      run.fold(
        log,
        (chunk) => {
          for (const { windows } of chunk.closed) {
            for (const { eventCount } of windows) storedClosed += eventCount;
          }
          storeAll(world)(chunk);
        },
        (step, outcome, state) => {
          if (outcome === 'accepted') accepted++;
          const { counts, nextOffset, firstOffset } = state;
          const counted = counts.accepted + counts.duplicate + counts.deadLettered + counts.control;
          let inWindows = storedClosed + closedEvents();
          for (const { eventCount } of state.windows.values()) inWindows += eventCount;
          const holds =
            counted === nextOffset - firstOffset &&
            nextOffset === step.record.offset + 1 &&
            counts.accepted === accepted &&
            inWindows === accepted;
          if (!holds) broken.push({ counts, nextOffset, accepted, inWindows });
        },
      );
      expect(broken).toEqual([]);
      run.cut(storeAll(world));
      expect(world.ledger.size).toBe(accepted);
      let inWindows = 0;
      for (const { window } of world.windows.values()) inWindows += window.eventCount;
      expect(inWindows).toBe(accepted);
    }),
    { numRuns: 100 },
  );
});

test('time never goes back, and the open hour is the one of the watermark until the end', () => {
  fc.assert(
    fc.property(scenarios, ({ place, log }) => {
      const run = new FoldRun(new StoredWorld(place), knowledge);
      let before = run.state.timeline;
      const broken: unknown[] = [];
      run.fold(
        log,
        () => undefined,
        (_step, _outcome, { timeline }) => {
          const holds =
            timeline.watermark >= before.watermark &&
            timeline.openHour >= before.openHour &&
            (!before.sealed || timeline === before) &&
            (timeline.sealed || timeline.openHour === hourOf(timeline.watermark, HOUR_MILLIS));
          if (!holds) broken.push({ before, timeline });
          before = timeline;
        },
      );
      expect(broken).toEqual([]);
    }),
    { numRuns: 100 },
  );
});

test('every hour up to the open one is published exactly once, in order, when nobody crashes', () => {
  fc.assert(
    fc.property(scenarios, (scenario) => {
      const { published, checkpoint } = foldAtOnce(scenario);
      const hours = [...published.keys()];
      const wanted: number[] = [];
      for (
        let at: number = scenario.place.source.firstHour;
        at < (checkpoint?.closedThrough ?? 0);
        at += HOUR_MILLIS
      ) {
        wanted.push(at);
      }
      expect(hours).toEqual(wanted);
      expect([...published.values()].every((digests) => digests.length === 1)).toBe(true);
    }),
    { numRuns: 100 },
  );
});

test('a chunk holds events of one reported hour, and its windows hold all of them', () => {
  fc.assert(
    fc.property(scenarios, ({ place, log }) => {
      const world = new StoredWorld(place);
      const run = new FoldRun(world, knowledge);
      const check = (chunk: Chunk): void => {
        const touched = new Set(chunk.windows.map(windowKey));
        const stray = chunk.ledger.filter(
          ({ reportedHour, candidate }) =>
            reportedHour !== chunk.reportedHour || !touched.has(windowKey(candidate)),
        );
        expect(stray).toEqual([]);
        storeAll(world)(chunk);
      };
      run.fold(log, check);
      run.cut(check);
    }),
    { numRuns: 100 },
  );
});

test('a ledger that holds another event than the log, or one more or less, halts the fold', () => {
  fc.assert(
    fc.property(
      scenarios,
      fc.nat(),
      fc.constantFrom('other id', 'one less', 'one more'),
      (scenario, at, change) => {
        const world = foldAtOnce(scenario);
        world.checkpoint = null; // a crash before the first checkpoint
        const entries = [...world.ledger].sort(([, a], [, b]) => a.offset - b.offset);
        // Without the last one nobody can tell: the ledger may end before it.
        fc.pre(entries.length > 1);
        const [key, entry] = entries[at % (entries.length - 1)] ?? [];
        if (key === undefined || !entry) throw new Error('there is no such entry');
        const { candidate } = entry;
        const other = { ...candidate.event, eventId: Buffer.alloc(16, 1) };
        if (change === 'one less') world.ledger.delete(key);
        if (change === 'other id') {
          world.ledger.set(key, { ...entry, candidate: { ...candidate, event: other } });
        }
        if (change === 'one more') {
          const free = scenario.log.find(({ headers }) => 'usage-control' in headers)?.offset;
          fc.pre(free !== undefined && free < (entries.at(-1)?.[1].offset ?? 0));
          world.ledger.set('more', {
            ...entry,
            offset: free,
            candidate: { ...candidate, event: other },
          });
        }
        const halt = new FoldRun(world, knowledge).fold(scenario.log, () => undefined);
        expect(halt?.code).toBe('ledger-mismatch');
      },
    ),
    { numRuns: 100 },
  );
});

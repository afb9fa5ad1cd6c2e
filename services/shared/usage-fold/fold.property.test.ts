import fc from 'fast-check';
import { knowledge } from '../../../test/support/fold/fixtures.ts';
import { FoldRun } from '../../../test/support/fold/fold-run.ts';
import {
  contentOf,
  foldAtOnce,
  scenarios,
  storeAll,
} from '../../../test/support/fold/scenarios.ts';
import { StoredWorld } from '../../../test/support/fold/stored-world.ts';
import { hourOf, HOUR_MILLIS } from '../model/time.ts';
import type { Chunk } from './chunk.ts';
import { windowKey } from './window.ts';

test('the fold stores what the oracle expects', () => {
  fc.assert(
    fc.property(scenarios, (scenario) => {
      const world = foldAtOnce(scenario);
      const { place, expected } = scenario;
      const partition = expected.partition(place);
      expect(world.checkpoint).toMatchObject({
        nextOffset: partition.nextOffset,
        watermark: partition.watermark,
        openHour: partition.openHour,
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

/**
 * How a life of an owner goes: batches of these sizes, after each perhaps a cut; then a crash. What is cut
 * off is stored at once, or waits to be stored together.
 */
const lives = fc.array(
  fc.record({
    waits: fc.boolean(),
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

/** Bounds on the windows in memory: none of them stays, or all. */
const memory = fc.constantFrom(0, Infinity);

test('any batches, cuts, crashes between writes and late writes of zombies store the same', () => {
  fc.assert(
    fc.property(scenarios, lives, memory, (scenario, given, windowsMaxBytes) => {
      const { place, log } = scenario;
      const world = new StoredWorld(place);
      const late: (() => void)[] = [];
      for (const life of given) {
        // What leaves the memory must have been stored before.
        const waits = life.waits && windowsMaxBytes === Infinity;
        const run = new FoldRun(world, knowledge, windowsMaxBytes);
        expect(run.halt).toBeNull();
        const waiting: Chunk[] = [];
        const take = (chunk: Chunk): 'waits' | 'stored' => {
          if (waits) waiting.push(chunk);
          else storeAll(world)(chunk);
          return waits ? 'waits' : 'stored';
        };
        for (const { size, cut } of life.batches) {
          const start = log.findIndex(({ offset }) => offset >= run.state.nextOffset);
          if (start < 0) break;
          expect(run.fold(log.slice(start, start + size), take)).toBeNull();
          if (cut) run.cut(take);
        }
        late.splice(0).forEach((write) => write());
        run.cut((chunk) => {
          const writes = world.writesOf([...waiting, chunk]);
          writes.slice(0, life.writes).forEach((write) => write());
          if (life.zombie) late.push(...writes.slice(life.writes));
        });
      }
      const last = new FoldRun(world, knowledge, windowsMaxBytes);
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
          for (const { eventCount } of windows ?? []) sum += eventCount;
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
            for (const { eventCount } of windows ?? []) storedClosed += eventCount;
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
        at < (checkpoint?.openHour ?? 0);
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
        const touched = new Set(Array.from(chunk.windows, windowKey));
        const stray = [...chunk.ledger].filter(
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

import fc from 'fast-check';
import { setImmediate } from 'node:timers/promises';
import { byteBatches } from '../../test/support/fold/byte-batch.ts';
import { nativeRows, type NativeRow } from '../../test/support/fold/native-rows.ts';
import { folderOn } from '../../test/support/fold/packed-owner.ts';
import { contentOf, foldAtOnce, scenarios } from '../../test/support/fold/scenarios.ts';
import { StoredWorld } from '../../test/support/fold/stored-world.ts';
import { TEXTS } from '../shared/model/event-texts.ts';
import type { Chunk } from '../shared/usage-fold/chunk.ts';
import { EventTable } from '../shared/usage-fold/event-table.ts';
import { joined } from '../shared/usage-fold/packed/segment.ts';
import type { RecordFolder, MemoryBounds } from '../shared/usage-fold/record-folder.ts';
import type { Rows } from '../shared/usage-fold/rows.ts';
import { Flusher } from './flusher.ts';

const textsIn = (row: Readonly<Record<string, unknown>>, by: 'name' | 'column') =>
  TEXTS.map((text) => row[text[by]] ?? null);

const secondsOf = (instant: number): bigint => BigInt(instant / 1000);

/** The rows that would be sent for these chunks: in one block, however many chunks there are. */
const sent = (given: readonly Rows<unknown>[]): readonly NativeRow[] => {
  const blocks = joined(given.filter(({ length }) => length > 0));
  expect(blocks.length).toBeLessThanOrEqual(1);
  return blocks.flatMap((rows) => (rows.packed ? nativeRows(rows.packed()) : []));
};

/** What is sent for chunks is what is in them, each row with its hour. */
const expectSent = (chunks: readonly Chunk[]): void => {
  expect(
    sent(chunks.map(({ ledger }) => ledger)).map((row) => [
      row['offset'],
      row['reported_hour'],
      row['usage_hour'],
      row['content_digest'],
      row['quantity'],
      ...textsIn(row, 'column'),
    ]),
  ).toEqual(
    chunks.flatMap(({ ledger, reportedHour }) =>
      [...ledger].map(({ offset, candidate }) => [
        BigInt(offset),
        secondsOf(reportedHour),
        secondsOf(candidate.usageHour),
        candidate.digest,
        candidate.quantity,
        ...textsIn({ ...candidate.event }, 'name'),
      ]),
    ),
  );
  expect(
    sent(chunks.map(({ windows }) => windows)).map((row) => [
      row['reported_hour'],
      row['usage_hour'],
      row['quantity'],
      row['event_count'],
      row['first_offset'],
      row['last_offset'],
      row['resource_key'],
      ...textsIn(row, 'column'),
    ]),
  ).toEqual(
    chunks.flatMap(({ windows, reportedHour }) =>
      [...windows].map((window) => [
        secondsOf(reportedHour),
        secondsOf(window.usageHour),
        window.quantity,
        BigInt(window.eventCount),
        BigInt(window.firstOffset),
        BigInt(window.lastOffset),
        window.resourceKey,
        ...textsIn({ ...window }, 'name'),
      ]),
    ),
  );
};

/** A flush does not send the texts of an earlier one again. */
const expectApart = (before: readonly Chunk[], chunks: readonly Chunk[]): void => {
  for (const kind of ['ledger', 'windows'] as const) {
    const [earlier, later] = [before, chunks].map((some) =>
      some.map((chunk): Rows<unknown> => chunk[kind]).filter(({ length }) => length > 0),
    );
    if (!earlier?.length || !later?.length) continue;
    expect(joined([...earlier, ...later])).toHaveLength(2);
  }
};

const CRASH = new Error('crash');

/** An owner that stores in a world, from its checkpoint on. Its flush of this number is cut off behind the ledger. */
const ownerIn = (world: StoredWorld, bounds: MemoryBounds, lastFlush: number) => {
  const folder: RecordFolder = folderOn(world, bounds, {
    endHour: async () => {
      flusher.cutOff();
      if (flusher.isFull) await flusher.beside();
    },
    store: () => flusher.store(),
  });
  let flushes = 0;
  let before: readonly Chunk[] = [];
  const flusher: Flusher = new Flusher(
    folder,
    { flushInterval: 1, flushEvents: 40 },
    async (chunks) => {
      expectSent(chunks);
      expectApart(before, chunks);
      before = chunks;
      for (const [n, write] of world.writesOf(chunks).entries()) {
        await setImmediate(); // it folds on meanwhile
        if (flushes === lastFlush && n === 2) throw CRASH;
        write();
      }
      expectSent(chunks); // as they were
      flushes++;
    },
  );
  return { folder, flusher };
};

/** What an owner does after some records. */
const doings = fc.constantFrom('nothing', 'begin', 'store', 'beside', 'restart');
const plans = fc.array(fc.tuple(fc.integer({ min: 1, max: 12 }), doings), {
  minLength: 1,
  maxLength: 12,
});
const ONE_TABLE = new EventTable().bytes;

test('flushes of many hours send what was folded, while it folds on, through crashes', async () => {
  await fc.assert(
    fc.asyncProperty(
      scenarios,
      plans,
      fc.constantFrom(0, 1e9),
      fc.constantFrom(ONE_TABLE, 1e9),
      fc.integer({ min: 0, max: 6 }),
      async (scenario, plan, windowsMaxBytes, indexMaxBytes, lastFlush) => {
        const { log, place } = scenario;
        fc.pre(log.length > 0);
        const world = new StoredWorld(place);
        const bounds = { indexMaxBytes, windowsMaxBytes };
        let owner = ownerIn(world, bounds, lastFlush);
        let [at, restarts] = [0, 0];
        const restart = async (): Promise<void> => {
          await owner.flusher.settled().catch(() => undefined);
          restarts++;
          owner = ownerIn(world, bounds, -1);
          const from = world.checkpoint?.nextOffset ?? 0;
          const next = log.findIndex(({ offset }) => offset >= from);
          at = next < 0 ? log.length : next;
        };
        for (let n = 0; at < log.length; n++) {
          const [size, doing] = plan[n % plan.length] ?? [1, 'nothing'];
          const records = log.slice(at, at + size);
          at += records.length;
          const { folder, flusher } = owner;
          try {
            const next = (records.at(-1)?.offset ?? 0) + 1;
            expect(await folder.fold(byteBatches(records), next)).toBeNull();
            flusher.folded(1, n * 10);
            flusher.throwFailure();
            if (doing === 'begin') flusher.beginIfDue(n * 10 + 9);
            if (doing === 'store' || at >= log.length) await flusher.store();
            if (doing === 'beside') await flusher.beside();
            if (doing === 'restart' && restarts < 3) await restart();
          } catch (error) {
            if (error !== CRASH) throw error;
            await restart();
          }
        }
        await owner.flusher.store();
        expect(contentOf(world)).toEqual(contentOf(foldAtOnce(scenario)));
      },
    ),
    { numRuns: 150 },
  );
});

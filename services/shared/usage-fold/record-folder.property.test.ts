import fc from 'fast-check';
import { byteBatches } from '../../../test/support/fold/byte-batch.ts';
import { knowledge } from '../../../test/support/fold/fixtures.ts';
import { FoldRun } from '../../../test/support/fold/fold-run.ts';
import { folderOn } from '../../../test/support/fold/packed-owner.ts';
import { contentOf, scenarios, storeAll } from '../../../test/support/fold/scenarios.ts';
import { StoredWorld } from '../../../test/support/fold/stored-world.ts';
import { cut } from './chunk.ts';
import { EventTable } from './event-table.ts';
import type { FoldState } from './fold.ts';
import type { RecordFolder, MemoryBounds } from './record-folder.ts';

/** A folder of packed records that stores in a world, from its checkpoint on. */
const folderIn = (world: StoredWorld, bounds: MemoryBounds) => {
  const store = (): Promise<void> => {
    storeAll(world)(cut(folder.state));
    folder.acknowledged();
    return Promise.resolve();
  };
  const folder: RecordFolder = folderOn(world, bounds, { endHour: store, store });
  return { folder, state: folder.state, store };
};

const shown = ({ nextOffset, timeline, counts, windows, pending }: FoldState) => ({
  nextOffset,
  watermark: timeline.watermark,
  openHour: timeline.openHour,
  sealed: timeline.sealed,
  rules: timeline.rules?.text,
  counts,
  windows: windows.isWhole
    ? [...windows.values()].sort((a, b) => a.firstOffset - b.firstOffset)
    : 'not all in memory',
  ledger: [...pending.ledger],
  deadLetters: pending.deadLetters,
  closed: pending.closed.map((closed) => ({
    hour: closed.hour,
    windows: closed.windows && [...closed.windows],
  })),
});

/** Bytes of the ids of one usage hour: those of all others leave. */
const ONE_TABLE = new EventTable().bytes;

const sizes = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 8 });

test('records folded from their bytes come to what the plain fold makes of them, batch by batch', async () => {
  await fc.assert(
    fc.asyncProperty(scenarios, sizes, fc.boolean(), async (scenario, given, cuts) => {
      const plain = new FoldRun(new StoredWorld(scenario.place), knowledge);
      const worlds = [new StoredWorld(scenario.place), new StoredWorld(scenario.place)] as const;
      const reference = new FoldRun(worlds[0], knowledge);
      const { folder, state, store } = folderIn(worlds[1], {
        indexMaxBytes: 1e9,
        windowsMaxBytes: 1e9,
      });
      expect(plain.halt).toBeNull();
      for (let at = 0, n = 0; at < scenario.log.length; n++) {
        const records = scenario.log.slice(at, at + (given[n % given.length] ?? 1));
        at += records.length;
        const halt = reference.fold(records, storeAll(worlds[0]));
        const next = (records.at(-1)?.offset ?? 0) + 1;
        expect(await folder.fold(byteBatches(records), next)).toEqual(halt);
        expect(shown(state)).toEqual(shown(reference.state));
        if (cuts) {
          reference.cut(storeAll(worlds[0]));
          await store();
        }
      }
      reference.cut(storeAll(worlds[0]));
      await store();
      expect(contentOf(worlds[1])).toEqual(contentOf(worlds[0]));
    }),
    { numRuns: 300 },
  );
});

test('with no room for ids or windows, and begun anew at any point, it stores the same', async () => {
  await fc.assert(
    fc.asyncProperty(
      scenarios,
      sizes,
      fc.constantFrom(0, 1e9),
      fc.constantFrom(ONE_TABLE, 1e9),
      async (scenario, given, windowsMaxBytes, indexMaxBytes) => {
        const worlds = [new StoredWorld(scenario.place), new StoredWorld(scenario.place)] as const;
        const reference = new FoldRun(worlds[0], knowledge);
        expect(reference.fold(scenario.log, storeAll(worlds[0]))).toBeNull();
        reference.cut(storeAll(worlds[0]));
        await folderIn(worlds[1], { indexMaxBytes, windowsMaxBytes }).store(); // also of an empty log
        for (let at = 0, n = 0; at < scenario.log.length; n++) {
          const owner = folderIn(worlds[1], { indexMaxBytes, windowsMaxBytes });
          const records = scenario.log.slice(at, at + (given[n % given.length] ?? 1));
          at += records.length;
          const next = (records.at(-1)?.offset ?? 0) + 1;
          expect(await owner.folder.fold(byteBatches(records), next)).toBeNull();
          await owner.store();
        }
        expect(contentOf(worlds[1])).toEqual(contentOf(worlds[0]));
      },
    ),
    { numRuns: 200 },
  );
});

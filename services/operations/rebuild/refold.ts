import { valueBytes } from '../../shared/model/record-batch.ts';
import { cut, type ChunkRows } from '../../shared/usage-fold/chunk.ts';
import { EventTable } from '../../shared/usage-fold/event-table.ts';
import type { FoldState } from '../../shared/usage-fold/fold.ts';
import { NO_TAIL } from '../../shared/usage-fold/ledger-tail.ts';
import { RecordFolder } from '../../shared/usage-fold/record-folder.ts';
import { ClickHouseStore, type UsageTables } from '../../shared/usage-store/clickhouse-store.ts';
import { cannotFold, type PartitionPlan, type RefoldTools } from './refold-tools.ts';

/** Folded rows are written after this many rows, or records of this many bytes. */
const MAX_ROWS = 20_000;
const MAX_BYTES = 16 * 1024 * 1024;

/**
 * Folds a partition's log again, with the fold that counted it, into scratch tables: to the end of a range,
 * but at most to its checkpoint. `read` gets the number of further offsets read.
 *
 * @throws UserError if the fold would halt
 */
export const refold = async (
  { client, reader, knowledge, bounds }: RefoldTools,
  plan: PartitionPlan,
  tables: UsageTables,
  isEnough: (state: FoldState) => boolean,
  read: (offsets: number) => void,
): Promise<void> => {
  const { place, state, hasGivenIds } = plan;
  const { nextOffset: begin } = state;
  const scratch = new ScratchWriter(new ClickHouseStore(client, tables), plan);
  const stored = new ClickHouseStore(client);
  const folder: RecordFolder = new RecordFolder({ state, tail: NO_TAIL }, knowledge, bounds, {
    eventTables: async (hours) => {
      const ids = new Map(hours.map((hour) => [hour, new EventTable()]));
      // The ledger is trusted for what was accepted before the first record.
      if (hasGivenIds) await stored.addIds(place, ids, begin);
      await scratch.store.addIds(place, ids);
      return ids;
    },
    storedWindows: (hour, identities) => scratch.store.storedWindows(place, hour, identities),
    endHour: async () => {
      scratch.add(cut(state));
      if (scratch.isFull) await write();
    },
    store: async () => {
      scratch.add(cut(state));
      await write();
    },
  });
  const write = async (): Promise<void> => {
    await scratch.write();
    folder.acknowledged();
  };
  let bytes = 0;
  await reader.readBatches(place, begin, plan.checkpoint.nextOffset, async (batches, next) => {
    const before = state.nextOffset;
    const halt = await folder.fold(batches, next);
    if (halt) throw cannotFold(place, halt);
    for (const batch of batches) bytes += valueBytes(batch);
    read(state.nextOffset - before);
    scratch.add(cut(state));
    if (scratch.isFull || bytes >= MAX_BYTES) {
      bytes = 0;
      await write();
    }
    return isEnough(state) ? 'enough' : undefined;
  });
  await scratch.write();
};

/** Gathers chunks. They need not be written one by one, because a repair starts again after a failure. */
class ScratchWriter {
  readonly store: ClickHouseStore;
  private readonly plan: PartitionPlan;
  private chunks: ChunkRows[] = [];
  private rows = 0;

  constructor(store: ClickHouseStore, plan: PartitionPlan) {
    this.store = store;
    this.plan = plan;
  }

  get isFull(): boolean {
    return this.rows >= MAX_ROWS;
  }

  add({ reportedHour, ledger, windows, deadLetters }: ChunkRows): void {
    this.chunks.push({ reportedHour, ledger, windows, deadLetters });
    this.rows += ledger.length + windows.length + deadLetters.length;
  }

  async write(): Promise<void> {
    const { chunks } = this;
    this.chunks = [];
    this.rows = 0;
    const { store, plan } = this;
    await store.writeLedger(plan.place, chunks);
    await store.writeWindows(plan.place, chunks);
    const letters = chunks.flatMap(({ deadLetters }) => deadLetters);
    await store.writeDeadLetters(plan.place, letters);
  }
}

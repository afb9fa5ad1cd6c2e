import type { LogRecord } from '../../services/shared/model/log-record.ts';
import { partitionOfKey } from '../../services/shared/model/placement.ts';
import { HOUR_MILLIS, millis } from '../../services/shared/model/time.ts';
import { cut } from '../../services/shared/usage-fold/chunk.ts';
import { EventTable } from '../../services/shared/usage-fold/event-table.ts';
import { initialState } from '../../services/shared/usage-fold/fold.ts';
import { PACKED } from '../../services/shared/usage-fold/packed/form.ts';
import { RecordFolder } from '../../services/shared/usage-fold/record-folder.ts';
import type { Rows } from '../../services/shared/usage-fold/rows.ts';
import type { RecordBatch } from '../../services/shared/model/record-batch.ts';
import { byteBatches } from '../support/fold/byte-batch.ts';
import { encodeEvent, hour, knowledge, placeOf, rulesAt } from '../support/fold/fixtures.ts';
import { loadRecords, type LoadOptions } from '../bench/load/load.ts';

export interface Allocations {
  /** Of JavaScript's objects; what stands in typed arrays is not among them. */
  readonly heap: number;
  readonly sent: number;
}

const LOAD: LoadOptions = {
  events: 120_000,
  tenants: 20,
  resources: 20,
  meters: 3,
  usageHours: 5,
  duplicates: 0.025,
  lateness: 0.05,
  partitions: 1,
  seed: 1,
};
const OPEN_HOUR = hour(6);
const BATCH = 500;
const CUT = 20_000;
/** The best round counts: in the first ones the code is still being compiled. */
const ROUNDS = 18;

const place = placeOf({ partitions: 1, namespaces: ['*'] });

const logOf = (): readonly RecordBatch[] => {
  const records: LogRecord[] = [rulesAt(place, 0, OPEN_HOUR, { namespaces: ['*'] })];
  for (const { key, event } of loadRecords(LOAD, OPEN_HOUR, HOUR_MILLIS)) {
    if (partitionOfKey(key, 1) !== place.partition) throw new Error('one partition has all keys');
    const timestamp = millis(OPEN_HOUR + HOUR_MILLIS / 2);
    const offset = records.length;
    records.push({
      offset,
      timestamp,
      key: Buffer.from(key),
      value: encodeEvent(event),
      headers: {},
    });
  }
  const starts = Array.from({ length: Math.ceil(records.length / BATCH) }, (_, n) => n * BATCH);
  return starts.flatMap((at) => byteBatches(records.slice(at, at + BATCH)));
};

const bytesOf = (rows: Rows<unknown>): number =>
  rows.packed?.().bytes.reduce((sum, { length }) => sum + length, 0) ?? NaN;

/** Folds the log once. @returns the bytes that would have been sent. */
const foldOnce = async (batches: readonly RecordBatch[]): Promise<number> => {
  const state = initialState(place, 0, PACKED);
  let sent = 0;
  const store = (): Promise<void> => {
    const { ledger, windows } = cut(state);
    sent += bytesOf(ledger) + bytesOf(windows);
    folder.acknowledged();
    return Promise.resolve();
  };
  const folder: RecordFolder = new RecordFolder(
    { state, tail: { ids: new Map(), lastOffset: -1 } },
    knowledge,
    { indexMaxBytes: Infinity, windowsMaxBytes: Infinity },
    {
      eventTables: (hours) => Promise.resolve(new Map(hours.map((at) => [at, new EventTable()]))),
      storedWindows: () => Promise.resolve([]),
      endHour: store,
      store,
    },
  );
  for (const batch of batches) {
    const halt = await folder.fold([batch], batch.lastOffset + 1);
    if (halt) throw new Error(halt.message);
    if (state.pending.ledger.length >= CUT) await store();
  }
  await store();
  const { accepted, duplicate } = state.counts;
  if (accepted + duplicate !== LOAD.events) throw new Error('not every event was counted');
  return sent;
};

/**
 * Bytes of an event on average. The heap must be so large that nothing is collected while it is measured:
 * see the flags of `npm run test:allocations`.
 */
export const measure = async (): Promise<Allocations> => {
  const { gc } = globalThis;
  if (!gc) throw new Error('run it with "npm run test:allocations"');
  const batches = logOf();
  let heap = Infinity;
  let sent = 0;
  for (let round = 0; round < ROUNDS; round++) {
    await gc({ type: 'major', execution: 'async' });
    const before = process.memoryUsage().heapUsed;
    sent = await foldOnce(batches);
    heap = Math.min(heap, process.memoryUsage().heapUsed - before);
  }
  return { heap: heap / LOAD.events, sent: sent / LOAD.events };
};

import {
  controlAt,
  eventOf,
  hour,
  knowledge,
  minute,
  placeOf,
  recordOf,
  rulesAt,
} from '../../../test/support/fold/fixtures.ts';
import { encodedBatch } from '../../../test/support/kafka/record-batch.ts';
import type { LogRecord } from '../model/log-record.ts';
import type { Millis } from '../model/time.ts';
import { uuidText } from '../model/usage-event.ts';
import { cut } from './chunk.ts';
import { EventTable } from './event-table.ts';
import { initialState } from './fold.ts';
import type { LedgerTail } from './ledger-tail.ts';
import { PACKED } from './packed/form.ts';
import { RecordFolder, type MemoryBounds } from './record-folder.ts';

const place = placeOf();
const AMPLE: MemoryBounds = { indexMaxBytes: 1e9, windowsMaxBytes: 1e9 };
const NO_TAIL: LedgerTail = { ids: new Map(), lastOffset: -1 };

const event = (n: number, usage = 0) =>
  eventOf({ usageStartTime: hour(usage), usageEndTime: hour(usage + 1) }, String(n));
const at = (n: number, timestamp: Millis = minute(1)): LogRecord =>
  recordOf(event(n), n, timestamp);
const idOf = (n: number): string => uuidText(event(n).eventId);
const tailOf = (...offsets: readonly number[]): LedgerTail => ({
  ids: new Map(offsets.map((n) => [n, idOf(n)])),
  lastOffset: Math.max(...offsets),
});

/** A folder, and what had been counted each time that it asked to have it stored. */
const folderOf = (tail: LedgerTail = NO_TAIL, bounds: MemoryBounds = AMPLE) => {
  const stored: { readonly nextOffset: number; readonly openHour: number }[] = [];
  const state = initialState(place, 0, PACKED);
  const store = (): Promise<void> => {
    stored.push({ nextOffset: state.nextOffset, openHour: state.timeline.openHour });
    cut(state);
    folder.acknowledged();
    return Promise.resolve();
  };
  const folder: RecordFolder = new RecordFolder({ state, tail }, knowledge, bounds, {
    eventTables: (hours) => Promise.resolve(new Map(hours.map((each) => [each, new EventTable()]))),
    storedWindows: () => Promise.resolve([]),
    endHour: store,
    store,
  });
  return { folder, state, stored };
};

describe('the ledger beyond the checkpoint is held against the log', () => {
  test('what it holds is folded again', async () => {
    const { folder, state } = folderOf(tailOf(1, 2));
    expect(await folder.fold([encodedBatch([rulesAt(place, 0), at(1), at(2)])], 3)).toBeNull();
    expect(state.counts.accepted).toBe(2);
  });

  test('its last entry is compared too', async () => {
    const tail = { ids: new Map([[1, idOf(7)]]), lastOffset: 1 };
    const { folder } = folderOf(tail);
    expect(await folder.fold([encodedBatch([rulesAt(place, 0), at(1)])], 2)).toMatchObject({
      code: 'ledger-mismatch',
    });
  });

  test('an entry at an offset that holds no record halts, in front of the next record', async () => {
    const { folder } = folderOf(tailOf(1, 3));
    expect(await folder.fold([encodedBatch([rulesAt(place, 0), at(3)])], 4)).toMatchObject({
      code: 'ledger-mismatch',
      message: expect.stringContaining('at offset 1 ') as string,
    });
  });

  test('an entry at an offset that holds no record halts, at the end of what was read', async () => {
    const { folder, state } = folderOf(tailOf(2));
    expect(await folder.fold([encodedBatch([rulesAt(place, 0)])], 3)).toMatchObject({
      code: 'ledger-mismatch',
    });
    expect(state.nextOffset).toBe(1);
  });

  test('an entry where the log has what was refused halts', async () => {
    const { folder } = folderOf(tailOf(1));
    const refused: LogRecord = { ...at(1), value: Buffer.from('no usage') };
    expect(await folder.fold([encodedBatch([rulesAt(place, 0), refused])], 2)).toMatchObject({
      code: 'ledger-mismatch',
    });
  });
});

test('what was counted before a record that halts is stored, and nothing after it is counted', async () => {
  const { folder, state, stored } = folderOf();
  const unknown = rulesAt(place, 2, minute(1), { version: 2, foldVersion: 99 });
  const records = [rulesAt(place, 0), at(1), unknown, at(3)];
  expect(await folder.fold([encodedBatch(records)], 4)).toMatchObject({ code: 'unknown-rules' });
  expect(stored).toEqual([{ nextOffset: 2, openHour: hour(0) }]);
  expect(state.nextOffset).toBe(2);
});

test('events of an hour are stored before the next hour begins', async () => {
  const { folder, stored } = folderOf();
  const records = [rulesAt(place, 0), at(1), at(2, minute(61)), controlAt(place, 'tick', 3)];
  expect(await folder.fold([encodedBatch(records)], 4)).toBeNull();
  expect(stored).toEqual([{ nextOffset: 2, openHour: hour(0) }]);
});

test('offsets behind the last record that hold none count as control', async () => {
  const { folder, state } = folderOf();
  expect(await folder.fold([encodedBatch([rulesAt(place, 0), at(1)])], 5)).toBeNull();
  expect(state).toMatchObject({ nextOffset: 5, counts: { accepted: 1, control: 4 } });
});

describe('with little memory', () => {
  const table = new EventTable().bytes;
  const records = [0, -1, -2, -3].map((usage, n) => recordOf(event(n, usage), n + 1, minute(1)));

  test('records are counted in parts whose ids fit, and nothing stays pinned between them', async () => {
    const { folder, state, stored } = folderOf(NO_TAIL, { ...AMPLE, indexMaxBytes: table });
    expect(await folder.fold([encodedBatch([rulesAt(place, 0), ...records])], 5)).toBeNull();
    expect(state.counts).toMatchObject({ accepted: 4, control: 1 });
    expect(stored.length).toBeGreaterThanOrEqual(3);
  });

  test('ids that came after a cut stay until they are stored, also when those before the cut are', async () => {
    const { folder, state, stored } = folderOf(NO_TAIL, { ...AMPLE, indexMaxBytes: table });
    const fold = (n: number, usage: number) =>
      folder.fold([encodedBatch([recordOf(event(n, usage), n, minute(1))])], n + 1);
    await folder.fold([encodedBatch([rulesAt(place, 0)])], 1);
    await fold(1, 0);
    const number = folder.cutOff();
    await fold(2, 0);
    folder.acknowledged(number);
    expect(stored).toEqual([]);
    await fold(3, -1); // has no room beside the ids that are not stored
    expect(stored.map(({ nextOffset }) => nextOffset)).toEqual([3]);
    expect(state.counts.accepted).toBe(3);
  });

  test('ids of one usage hour that do not fit halt, with the setting that helps', async () => {
    const { folder, state } = folderOf(NO_TAIL, { ...AMPLE, indexMaxBytes: table - 1 });
    expect(await folder.fold([encodedBatch([rulesAt(place, 0), ...records])], 5)).toEqual({
      code: 'index-full',
      message: expect.stringMatching(
        new RegExp(
          `need ${String(table)} bytes, allowed are ${String(table - 1)}: raise AGGREGATOR_INDEX_MIB`,
        ),
      ) as string,
    });
    expect(state.counts.accepted).toBe(0);
  });
});

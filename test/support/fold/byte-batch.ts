import type { LogRecord } from '../../../services/shared/model/log-record.ts';
import {
  batchOfRecords,
  RECORD,
  RECORD_FIELDS,
  type RecordBatch,
} from '../../../services/shared/model/record-batch.ts';

/** Records with offsets one after the other, as a batch that has their bytes. */
const byteBatch = (records: readonly LogRecord[]): RecordBatch => {
  const index = new Int32Array(records.length * RECORD_FIELDS);
  const parts: Buffer[] = [];
  let at = 0;
  const put = (bytes: Buffer | null): readonly [number, number] => {
    if (bytes === null) return [at, -1];
    parts.push(bytes);
    at += bytes.length;
    return [at - bytes.length, bytes.length];
  };
  const firstTimestamp = records[0]?.timestamp ?? 0;
  for (const [n, { key, value, timestamp, headers }] of records.entries()) {
    const field = n * RECORD_FIELDS;
    [index[field + RECORD.key], index[field + RECORD.keyLength]] = put(key);
    [index[field + RECORD.value], index[field + RECORD.valueLength]] = put(value);
    index[field + RECORD.timestampDelta] = timestamp - firstTimestamp;
    index[field + RECORD.hasHeaders] = Object.keys(headers).length === 0 ? 0 : 1;
  }
  return {
    ...batchOfRecords(records),
    firstTimestamp,
    index,
    bytes: Buffer.concat(parts),
  };
};

const fitsInt32 = (records: readonly LogRecord[]): boolean =>
  records.every(
    ({ timestamp }) => Math.abs(timestamp - (records[0]?.timestamp ?? timestamp)) < 2 ** 31,
  );

/** Records as batches with bytes, a new one wherever offsets are left out. */
export const byteBatches = (records: readonly LogRecord[]): readonly RecordBatch[] => {
  const runs: LogRecord[][] = [];
  for (const record of records) {
    const run = runs.at(-1);
    if (run && run.at(-1)?.offset === record.offset - 1 && fitsInt32([...run, record])) {
      run.push(record);
    } else runs.push([record]);
  }
  return runs.map(byteBatch);
};

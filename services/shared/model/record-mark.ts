import { createHash } from 'node:crypto';
import type { LogRecord } from './log-record.ts';

/** A digest that tells a record from any other record that could be at its offset in another log. */
export const recordDigest = (record: LogRecord): string => {
  const hash = createHash('sha256');
  hash.update(`${String(record.offset)}\n${String(record.timestamp)}\n`);
  for (const part of [record.key, record.value]) {
    hash.update(part === null ? '-\n' : `${String(part.length)}\n`);
    if (part !== null) hash.update(part);
  }
  hash.update(JSON.stringify(Object.entries(record.headers).sort()));
  return hash.digest('hex').slice(0, 32);
};

/** The place and content digest of a record: enough to recognise it when it is read again. */
export interface RecordMark {
  readonly offset: number;
  readonly digest: string;
}

export const markOf = (record: RecordMark | LogRecord | null): RecordMark | null =>
  record === null || 'digest' in record
    ? record
    : { offset: record.offset, digest: recordDigest(record) };

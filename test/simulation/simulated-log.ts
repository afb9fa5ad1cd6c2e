import type { DeadLetterCode } from '../../services/shared/model/dead-letter.ts';
import type { LogRecord } from '../../services/shared/model/log-record.ts';
import type { RecordBatch } from '../../services/shared/model/record-batch.ts';
import type { Millis } from '../../services/shared/model/time.ts';
import type { UsageEvent } from '../../services/shared/model/usage-event.ts';
import type { Place } from '../../services/shared/usage-fold/place.ts';
import { encodedBatch } from '../support/kafka/record-batch.ts';

/** What rules say, as far as the simulated records differ in it. */
export interface RulesIntent {
  readonly version: number;
  readonly maxUsageAge: number;
  readonly namespaces: readonly string[];
}

/** What the writer of a record meant by it; the oracle is told, the aggregator is not. */
export type Intent =
  | {
      readonly kind: 'event';
      readonly event: UsageEvent;
      readonly namespace: string;
      /** When a dead letter that is sent again was first reported; null for others. */
      readonly firstReported: Millis | null;
    }
  /** Refused for its bytes. */
  | { readonly kind: 'bad'; readonly code: DeadLetterCode }
  /** Fine by its values, in the wrong place. */
  | { readonly kind: 'misplaced'; readonly code: DeadLetterCode; readonly event: UsageEvent }
  | { readonly kind: 'forged' }
  | { readonly kind: 'tick' }
  | { readonly kind: 'end' }
  | { readonly kind: 'floor'; readonly floor: Millis }
  | { readonly kind: 'rules'; readonly rules: RulesIntent; readonly text: string };

export interface WrittenRecord {
  readonly record: LogRecord;
  readonly intent: Intent;
}

export type Content = Pick<LogRecord, 'key' | 'value' | 'headers'>;

/** The log of one partition: it only grows. Some offsets hold no record, as with transactions. */
export class SimulatedLog {
  readonly place: Place;
  readonly written: WrittenRecord[] = [];
  /** One past the last offset. */
  high = 0;

  constructor(place: Place) {
    this.place = place;
  }

  append(content: Content, timestamp: Millis, intent: Intent): void {
    const { key, value, headers } = content;
    this.written.push({ record: { offset: this.high, timestamp, key, value, headers }, intent });
    this.high++;
  }

  /** An offset that holds no record. */
  skip(): void {
    this.high++;
  }

  /** At most `count` records from an offset on, and the offset to read on from. */
  read(from: number, count: number): { batches: readonly RecordBatch[]; next: number } {
    const start = this.written.findIndex(({ record }) => record.offset >= from);
    if (start < 0) return { batches: [], next: this.high };
    const records = this.written.slice(start, start + count).map(({ record }) => record);
    const following = this.written[start + count];
    return { batches: batchesOf(records), next: following?.record.offset ?? this.high };
  }
}

/** As a broker would keep them: a batch ends where a transaction's marker follows, but not always. */
const batchesOf = (records: readonly LogRecord[]): readonly RecordBatch[] => {
  const batches: LogRecord[][] = [];
  for (const record of records) {
    const last = batches.at(-1);
    const isNext = last?.at(-1)?.offset === record.offset - 1;
    if (last && (isNext || record.offset % 2 === 0)) last.push(record);
    else batches.push([record]);
  }
  return batches.map(encodedBatch);
};

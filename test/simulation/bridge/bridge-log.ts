import type { LogRecord } from '../../../services/shared/model/log-record.ts';
import type { RecordBatch } from '../../../services/shared/model/record-batch.ts';
import type { SourcePartition } from '../../../services/shared/model/source.ts';
import type { Hour } from '../../../services/shared/model/time.ts';
import type { UsageAggregate } from '../../../services/shared/model/usage-aggregate.ts';
import type { Unplaced } from '../../support/bridge/aggregates-log.ts';
import { encodedBatch } from '../../support/kafka/record-batch.ts';

/** What the writer of a record meant by it; the oracle is told, the bridge is not. */
export type Meant =
  | {
      readonly kind: 'part';
      readonly at: SourcePartition;
      readonly hour: Hour;
      readonly part: number;
      readonly aggregates: readonly UsageAggregate[];
    }
  | {
      readonly kind: 'marker';
      readonly at: SourcePartition;
      readonly hour: Hour;
      readonly parts: number;
      readonly digest: string;
    }
  /** What a bridge wrote: the oracle reads its text. */
  | { readonly kind: 'bridge' }
  | { readonly kind: 'bad' };

export interface Entry {
  readonly record: LogRecord;
  readonly meant: Meant;
}

/** One partition of the aggregates topic: it grows at its end, and its beginning may expire. */
export class BridgeLog {
  readonly entries: Entry[] = [];
  /** Records below this offset have expired. */
  low = 0;

  get high(): number {
    return this.entries.length;
  }

  append(record: Unplaced, meant: Meant): void {
    this.entries.push({ record: { ...record, offset: this.high }, meant });
  }

  /** At most `count` records from an offset on, in batches as a broker would keep them. */
  read(from: number, count: number): { batches: readonly RecordBatch[]; next: number } {
    if (from < this.low) throw new Error(`offset ${String(from)} has expired`);
    const records = this.entries.slice(from, from + count).map(({ record }) => record);
    const batches: LogRecord[][] = [];
    for (const record of records) {
      const last = batches.at(-1);
      if (last && record.offset % 3 !== 0) last.push(record);
      else batches.push([record]);
    }
    return { batches: batches.map(encodedBatch), next: from + records.length };
  }
}

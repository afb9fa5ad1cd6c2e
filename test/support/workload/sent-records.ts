import { createHash } from 'node:crypto';
import { CONTROL_HEADER, type ControlKind } from '../../../services/shared/model/control-record.ts';
import type { LogRecord } from '../../../services/shared/model/log-record.ts';
import { partitionName, type SourcePartition } from '../../../services/shared/model/source.ts';
import type { Emission } from './emission.ts';
import type { ExpectedTotals } from './expected-totals.ts';

/** Where and what a record is, whatever its offset and timestamp. */
const fingerprint = (
  topic: string,
  partition: number,
  { key, value, headers }: Pick<LogRecord, 'key' | 'value' | 'headers'>,
): string => {
  const hash = createHash('sha1').update(`${topic}\0${String(partition)}\0`);
  for (const part of [key, value]) {
    hash.update(part === null ? '-' : `${String(part.length)}:`);
    if (part !== null) hash.update(part);
  }
  return hash.update(JSON.stringify(Object.entries(headers).sort())).digest('base64');
};

/**
 * The records that were sent, to be recognised in the log. The log is the truth of what was
 * acknowledged: it also has what was appended twice after a lost answer, and the aggregator's ticks.
 */
export class SentRecords {
  private readonly emissions = new Map<string, Emission>();

  add(emission: Emission): void {
    this.emissions.set(fingerprint(emission.topic, emission.partition, emission), emission);
  }

  /**
   * Tells the oracle a partition's log, from its first record or from where it was told before.
   * @throws where a record is neither of the workload nor of control.
   */
  tell(expected: ExpectedTotals, at: SourcePartition, log: readonly LogRecord[]): void {
    for (const record of log) {
      const emission = this.emissions.get(fingerprint(at.topic, at.partition, record));
      const kind = record.headers[CONTROL_HEADER];
      if (emission) expected.record(at, record.offset, record.timestamp, emission);
      else if (kind !== undefined) {
        expected.control(at, record.offset, record.timestamp, kind as ControlKind, record);
      } else {
        throw new Error(
          `nobody sent the record at offset ${String(record.offset)} of ${partitionName(at)}`,
        );
      }
    }
  }
}

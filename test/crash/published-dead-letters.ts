import { DEAD_LETTER_HEADERS } from '../../services/shared/model/dead-letter.ts';
import { partitionName } from '../../services/shared/model/source.ts';
import { Differences, type Row } from '../support/workload/differences.ts';
import type { ExpectedTotals } from '../support/workload/expected-totals.ts';
import type { PartitionLog } from '../support/workload/read-log.ts';

const text = (bytes: Buffer | null): string | null => bytes?.toString('base64') ?? null;

/**
 * How the topic of dead letters differs from the records that had to be refused. Each stands there
 * once or more often, always with its own bytes and one code.
 */
export const publishedDeadLetters = (
  expected: ExpectedTotals,
  logs: readonly PartitionLog[],
): readonly string[] => {
  const differences = new Differences(20);
  const published = new Map<string, Row>();
  for (const { headers, key, value } of logs.flatMap(({ records }) => records)) {
    const at = {
      topic: headers[DEAD_LETTER_HEADERS.topic] ?? '',
      epoch: Number(headers[DEAD_LETTER_HEADERS.epoch]),
      partition: Number(headers[DEAD_LETTER_HEADERS.partition]),
    };
    const name = `dead letter ${partitionName(at)} offset ${headers[DEAD_LETTER_HEADERS.offset] ?? ''}`;
    const code = headers[DEAD_LETTER_HEADERS.code] ?? null;
    const row = { code, key: text(key), value: text(value) };
    const earlier = published.get(name);
    if (earlier) differences.compare(`${name}, published again`, earlier, row);
    published.set(name, row);
  }
  for (const { at, deadLetters } of expected.partitions) {
    for (const { offset, code, record } of deadLetters) {
      const name = `dead letter ${partitionName(at)} offset ${String(offset)}`;
      const row = { code, key: text(record.key), value: text(record.value) };
      differences.compare(name, row, published.get(name));
      published.delete(name);
    }
  }
  for (const [name, row] of published) differences.compare(name, undefined, row);
  return differences.list;
};

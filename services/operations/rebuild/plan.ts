import type { KafkaAdmin } from '../../shared/kafka/admin.ts';
import type { LogReader } from '../../shared/kafka/log-reader.ts';
import type { LogBounds } from '../../shared/kafka/topics.ts';
import { recordDigest } from '../../shared/model/record-mark.ts';
import { newestEpoch, partitionName, type Source } from '../../shared/model/source.ts';
import { isoText, type Hour } from '../../shared/model/time.ts';
import { UserError } from '../../shared/process/errors.ts';
import { readSources } from '../../shared/sources/register.ts';
import type { Checkpoint } from '../../shared/usage-fold/chunk.ts';
import type { Place } from '../../shared/usage-fold/place.ts';
import { ClickHouseStore } from '../../shared/usage-store/clickhouse-store.ts';
import { beginningOf, firstLeft } from './beginning.ts';
import type { PartitionPlan, RefoldTools } from './refold-tools.ts';

/**
 * Finds out from where the log of each partition of a source can be folded again.
 * @throws UserError if it is not the log that was counted, or the range begins before the first hour whose
 * records all remain
 */
export const planRefold = async (
  tools: RefoldTools & { readonly admin: KafkaAdmin },
  source: Source,
  from: Hour,
): Promise<readonly PartitionPlan[]> => {
  const { topic, epoch } = source;
  const isPresent = newestEpoch(await readSources(tools.client), topic)?.epoch === epoch;
  if (!isPresent || !(await tools.admin.topicNames()).has(topic)) {
    throw new UserError(
      `The log of ${topic}, epoch ${String(epoch)}, is gone: without --from-log its windows are compared with the ledger`,
    );
  }
  const plans: PartitionPlan[] = [];
  for (const { partition, low, high } of await tools.admin.offsets(topic)) {
    plans.push(await planPartition(tools, { topic, epoch, partition, source }, { low, high }));
  }
  const firstHour = Math.max(...plans.map((plan) => plan.firstHour)) as Hour;
  if (from < firstHour) {
    throw new UserError(
      `The first records of ${topic} have expired: the first hour that can be recounted from its log is ` +
        `${isoText(firstHour)}. Give it as --from, or leave out --from-log for the hours before it`,
    );
  }
  return plans;
};

const planPartition = async (
  tools: RefoldTools,
  place: Place,
  log: LogBounds,
): Promise<PartitionPlan> => {
  const name = partitionName(place);
  const checkpoint = await new ClickHouseStore(tools.client).checkpoint(place);
  if (!checkpoint) throw new UserError(`${name} has no checkpoint yet`);
  const other = await otherLog(tools.reader, place, checkpoint, log);
  if (other !== null) {
    throw new UserError(
      `The log of ${name} is not the one that was counted: ${other}. See docs/operations.md, "A partition has halted"`,
    );
  }
  const low = await firstLeft(tools.client, place, checkpoint, log.low);
  const isLate = low > checkpoint.firstOffset;
  if (isLate && low >= checkpoint.nextOffset) {
    throw new UserError(
      `No record of ${name} that was counted is left in its log: leave out --from-log`,
    );
  }
  const beginning = await beginningOf(tools, place, checkpoint, low);
  return { place, checkpoint, ...beginning, hasGivenIds: isLate || place.epoch > 1 };
};

/** Why the log is not the log that was counted; null if it is. */
const otherLog = async (
  reader: LogReader,
  place: Place,
  { lastRecord, nextOffset }: Checkpoint,
  { low, high }: LogBounds,
): Promise<string | null> => {
  if (high < nextOffset) {
    return `the log ends at offset ${String(high)}, and ${String(nextOffset)} had been reached`;
  }
  if (lastRecord === null || lastRecord.offset < low) return null;
  const { offset, digest } = lastRecord;
  if (offset >= nextOffset) {
    return `last_record is ${String(offset)}, and only records before ${String(nextOffset)} were counted`;
  }
  const found = await reader.recordAt(place, offset);
  if (found && recordDigest(found) === digest) return null;
  return `the record at offset ${String(offset)} is not the one that was counted last`;
};

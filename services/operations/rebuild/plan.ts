import type { KafkaAdmin } from '../../shared/kafka/admin.ts';
import { otherLog } from '../../shared/kafka/other-log.ts';
import type { LogBounds } from '../../shared/kafka/topics.ts';
import { newestEpoch, partitionName, type Source } from '../../shared/model/source.ts';
import { isoText, type Hour } from '../../shared/model/time.ts';
import { UserError } from '../../shared/process/errors.ts';
import { readSources } from '../../shared/sources/register.ts';
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

import { controlRecord } from '../../shared/model/control-record.ts';
import { UserError } from '../../shared/process/errors.ts';
import { isOpenLive, newestEpoch } from '../../shared/model/source.ts';
import { hourAfterBroker } from './broker-hour.ts';
import { readProgress, type PartitionProgress } from '../../shared/sources/coverage.ts';
import { acceptLosses, endedWithLoss, type LostRecords } from '../losses/losses.ts';
import { openSource, sourceTopic, type SourceTools } from '../../shared/sources/source-opening.ts';
import {
  readSources,
  recordOperation,
  writeSource,
  type RegisteredSource,
} from '../../shared/sources/register.ts';
import type { Hour } from '../../shared/model/time.ts';

export interface NewEpochOptions {
  /** The number of partitions of the new epoch; null for the number of the old one. */
  readonly partitions: number | null;
  readonly reason: string;
  /** Milliseconds to wait for the aggregator to fold the old epoch to its end. */
  readonly patienceMillis: number;
  /** Partitions of the old epoch whose log is gone or was replaced. The epoch ends there. */
  readonly losses: readonly LostRecords[];
  /** Whether to delete a log that holds records that nobody has counted. */
  readonly deleteUnread: boolean;
}

const POLL_MILLIS = 100;

/**
 * Ends the current epoch of a live topic and begins a new one with a log of its own. This is the way to
 * change a partition count. The epoch tells the events of both logs apart, and new events are deduplicated
 * against old ones. May be repeated after an interruption.
 *
 * 1. an `end` record on each partition: the aggregator closes and publishes its open hour. If the log is
 *    gone, its loss is accepted, and the aggregator ends the epoch there
 * 2. when every partition is sealed in its checkpoint, the old epoch is sealed in the register
 * 3. the old topic is deleted, the new epoch declared, its topic created and opened
 *
 * @throws UserError if the topic is not a live source, or the aggregator does not reach its end
 */
export const newEpoch = async (
  tools: SourceTools,
  topic: string,
  options: NewEpochOptions,
): Promise<RegisteredSource> => {
  const live = (await readSources(tools.clickHouse)).filter(({ kind }) => kind === 'live');
  const newest = newestEpoch(live, topic);
  if (!newest)
    throw new UserError(`There is no live source "${topic}": see "usagectl sources list"`);
  if (newest.state === 'declared') return replaceTopic(tools, newest, options);
  const sealed = newest.state === 'sealed' ? newest : await seal(tools, newest, options);
  const declared = await declareNext(tools, sealed, options);
  return replaceTopic(tools, declared, options);
};

const seal = async (
  tools: SourceTools,
  source: RegisteredSource,
  { patienceMillis, losses, reason }: NewEpochOptions,
): Promise<RegisteredSource> => {
  const { topic, epoch, partitions } = source;
  if (!(await isSealed(tools, source))) {
    if (losses.length > 0) {
      await acceptLosses(tools.clickHouse, losses, reason);
      // A missing topic is assigned to nobody, so nobody would close its open hours.
      await tools.admin.createTopics([sourceTopic(source, tools.replicationFactor)]);
    }
    for (let partition = 0; partition < partitions; partition++) {
      if (losses.some((loss) => loss.partition === partition)) continue;
      const at = { topic, epoch, partition };
      await tools.writer.append(at, [controlRecord('end', at, '', tools.keyring)]);
    }
  }
  const end = Date.now() + patienceMillis;
  while (!(await isSealed(tools, source))) {
    if (Date.now() > end) {
      throw new UserError(
        `The aggregator has not folded ${topic} to its end: check that it runs and that no partition has halted ("usagectl status"), then repeat this command`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MILLIS));
  }
  return writeSource(tools.clickHouse, { ...source, state: 'sealed' });
};

const progressOf = async (
  { clickHouse }: SourceTools,
  { topic, epoch }: RegisteredSource,
): Promise<readonly PartitionProgress[]> =>
  (await readProgress(clickHouse)).filter((each) => each.topic === topic && each.epoch === epoch);

const isSealed = async (tools: SourceTools, source: RegisteredSource): Promise<boolean> => {
  const progress = await progressOf(tools, source);
  return progress.length === source.partitions && progress.every(({ sealed }) => sealed);
};

const declareNext = async (
  tools: SourceTools,
  old: RegisteredSource,
  { partitions, reason }: NewEpochOptions,
): Promise<RegisteredSource> => {
  // After the last hour that the old epoch closed and, if there are other live sources, after the open hour
  // by the broker's clock. So complete hours stay complete.
  const closed = (await progressOf(tools, old)).map(({ openHour }) => openHour);
  const others = (await readSources(tools.clickHouse)).filter(
    (source) => isOpenLive(source) && source.topic !== old.topic,
  );
  const [other] = others;
  const afterBroker = other ? await hourAfterBroker(tools, other) : 0;
  const declared = await writeSource(tools.clickHouse, {
    ...old,
    epoch: old.epoch + 1,
    partitions: partitions ?? old.partitions,
    firstHour: Math.max(...closed, afterBroker) as Hour,
    predecessor: old.epoch,
    state: 'declared',
    revision: 0,
  });
  await recordOperation(tools.clickHouse, {
    kind: 'epoch-begun',
    subject: old.topic,
    detail: { epoch: declared.epoch, partitions: declared.partitions, reason },
  });
  return declared;
};

/**
 * The new epoch begins with an empty log. The old log was sealed, so everything in it has been read, unless
 * the epoch ended with a loss. Then another log may have taken its place, and somebody may have written to
 * it.
 */
const replaceTopic = async (
  tools: SourceTools,
  declared: RegisteredSource,
  { deleteUnread }: Pick<NewEpochOptions, 'deleteUnread'>,
): Promise<RegisteredSource> => {
  const { admin } = tools;
  if ((await admin.topicNames()).has(declared.topic)) {
    if (!deleteUnread) await refuseUnread(tools, declared);

    await admin.deleteTopic(declared.topic);
  }
  while ((await admin.topicNames()).has(declared.topic)) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MILLIS));
  }
  return openSource(tools, declared);
};

/** In a log that nobody has counted, at most one record is ours: the rules with which it began. */
const OWN_RECORDS = 1;

const refuseUnread = async (
  { admin, clickHouse }: SourceTools,
  { topic, predecessor }: RegisteredSource,
): Promise<void> => {
  if (predecessor === null) return;
  const ended = await endedWithLoss(clickHouse, { topic, epoch: predecessor });
  if (ended.length === 0) return;
  const logs = await admin.offsets(topic);
  const unread = ended
    .map((partition) => (logs[partition]?.high ?? 0) - (logs[partition]?.low ?? 0))
    .filter((records) => records > OWN_RECORDS);
  if (unread.length === 0) return;
  throw new UserError(
    `The log that is in ${topic} now holds ${String(unread.reduce((a, b) => a + b))} records that nobody has counted, and would be deleted. ` +
      'Stop the providers, save what they must send again, then repeat this command with --delete-unread',
  );
};

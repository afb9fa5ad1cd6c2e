import { createHash } from 'node:crypto';
import { usageEventEncoder } from '../../shared/avro/usage-event-codec.ts';
import { controlRecord } from '../../shared/model/control-record.ts';
import { UserError } from '../../shared/process/errors.ts';
import { historyTopicName } from '../../shared/kafka/topic-names.ts';
import type { NewRecord } from '../../shared/kafka/new-record.ts';
import { partitionOfKey, resourceKey } from '../../shared/model/placement.ts';
import type { Hour, Millis } from '../../shared/model/time.ts';
import { millis, nextHour } from '../../shared/model/time.ts';
import type { UsageEvent } from '../../shared/model/usage-event.ts';
import { historyRefusal } from './history-rules.ts';
import { openSource, type SourceTools } from '../../shared/sources/source-opening.ts';
import {
  readSources,
  recordOperation,
  writeSource,
  type RegisteredSource,
} from '../../shared/sources/register.ts';

/** The history to write: a recorded file or a simulation. */
export interface HistoryRun {
  /** Identifies the history, so that it is not written twice: a digest of the file or of the seed. */
  readonly origin: string;
  readonly firstHour: Hour;
  /** Inclusive. */
  readonly lastHour: Hour;
  readonly hourMillis: number;
  readonly partitions: number;
  readonly billable: boolean;
}

/** An event of the history, and when it was reported. */
export interface HistoricalEvent {
  readonly event: UsageEvent;
  readonly reportedTime: Millis;
}

export type Begun =
  | { readonly kind: 'already-imported'; readonly source: RegisteredSource }
  /** New, or begun earlier and interrupted. All its events must be written, in order of reported time. */
  | { readonly kind: 'begun'; readonly source: RegisteredSource; readonly resumed: boolean };

/**
 * Declares a history run, or finds an earlier run of the same origin.
 * @throws UserError if its hours are live, or another run covers them
 */
export const beginHistory = async (
  tools: SourceTools,
  run: HistoryRun,
  prefix: string,
): Promise<Begun> => {
  const sources = await readSources(tools.clickHouse);
  const sameOrigin = sources.filter(
    ({ kind, origin }) => kind === 'history' && origin === run.origin,
  );
  const earlier = sameOrigin.find(({ state }) => state !== 'abandoned');
  if (earlier?.state === 'sealed') return { kind: 'already-imported', source: earlier };
  if (earlier) {
    const source = earlier.state === 'declared' ? await openSource(tools, earlier) : earlier;
    return { kind: 'begun', source, resumed: true };
  }
  const topic = historyTopicName(prefix, runName(run.origin, sameOrigin.length));
  refuse(historyRefusal(sources, { ...run, topic }, millis(Date.now())));
  const declared = await writeSource(tools.clickHouse, {
    topic,
    epoch: 1,
    kind: 'history',
    partitions: run.partitions,
    firstHour: run.firstHour,
    lastHour: run.lastHour,
    hourMillis: run.hourMillis,
    predecessor: null,
    state: 'declared',
    billable: run.billable,
    namespaces: ['*'],
    origin: run.origin,
    revision: 0,
  });
  await withdrawIfRefused(tools, declared);
  await recordOperation(tools.clickHouse, {
    kind: 'history-declared',
    subject: topic,
    detail: { origin: run.origin, firstHour: run.firstHour, lastHour: run.lastHour },
  });
  return { kind: 'begun', source: await openSource(tools, declared), resumed: false };
};

const runName = (origin: string, attempt: number): string => {
  const digest = createHash('sha256').update(origin).digest('hex').slice(0, 12);
  return attempt === 0 ? digest : `${digest}-${String(attempt + 1)}`;
};

const refuse = (refusal: ReturnType<typeof historyRefusal>): void => {
  if (refusal) throw new UserError(`This history cannot be imported: ${refusal.message}`);
};

/**
 * Two runs may have been declared at the same time. Both check again, and at least one sees the other.
 */
const withdrawIfRefused = async (tools: SourceTools, declared: RegisteredSource): Promise<void> => {
  const refusal = historyRefusal(await readSources(tools.clickHouse), declared, millis(Date.now()));
  if (!refusal) return;
  await writeSource(tools.clickHouse, { ...declared, state: 'abandoned' });
  refuse(refusal);
};

const BATCH_EVENTS = 2_000;

/**
 * Appends a run's events, which must be in order of reported time, and seals the run when all are
 * acknowledged. Events that an interrupted attempt has already appended are duplicates and count once.
 * `onProgress` gets the number of acknowledged events.
 */
export const writeHistory = async (
  tools: SourceTools,
  begun: RegisteredSource,
  events: Iterable<HistoricalEvent>,
  onProgress: (acknowledged: number) => void = () => undefined,
): Promise<RegisteredSource> => {
  let source = begun;
  if (source.state === 'open') {
    await appendEvents(tools, source, events, onProgress);
    source = await markWritten(tools, source);
  }
  if (source.state === 'sealed') return source; // another import of the same history has finished it
  if (source.state !== 'written') {
    throw new UserError(`Source ${source.topic} is ${source.state}: it takes no more history`);
  }
  for (let partition = 0; partition < source.partitions; partition++) {
    await tools.writer.append({ topic: source.topic, partition }, [
      endRecord(tools, source, partition),
    ]);
  }
  return writeSource(tools.clickHouse, { ...source, state: 'sealed' });
};

/**
 * After this the run can no longer be abandoned. Somebody may have abandoned it while it was being written,
 * and the register does not say who was first, so it is read again before anything is sealed.
 */
const markWritten = async (
  tools: SourceTools,
  source: RegisteredSource,
): Promise<RegisteredSource> => {
  const before = await currentState(tools, source);
  if (before.state === 'written' || before.state === 'sealed') return before;
  if (before.state === 'open') {
    await writeSource(tools.clickHouse, { ...before, state: 'written' });
    const after = await currentState(tools, source);
    await withdrawIfRefused(tools, after);
    if (after.state === 'written') return after;
  }
  throw new UserError(
    `History run ${source.topic} was abandoned while it was written: import it again`,
  );
};

const currentState = async (
  { clickHouse }: SourceTools,
  { topic, epoch }: RegisteredSource,
): Promise<RegisteredSource> => {
  const now = (await readSources(clickHouse)).find(
    (source) => source.topic === topic && source.epoch === epoch,
  );
  if (!now) throw new UserError(`History run ${topic} is no longer in the register of sources`);
  return now;
};

const appendEvents = async (
  tools: SourceTools,
  source: RegisteredSource,
  events: Iterable<HistoricalEvent>,
  onProgress: (acknowledged: number) => void,
): Promise<void> => {
  const encode = usageEventEncoder(tools.schemas);
  let acknowledged = 0;
  let batch: NewRecord[][] = [];
  let inBatch = 0;
  const send = async (): Promise<void> => {
    await Promise.all(
      batch.map((records, partition) =>
        tools.writer.append({ topic: source.topic, partition }, records),
      ),
    );
    acknowledged += inBatch;
    batch = [];
    inBatch = 0;
    onProgress(acknowledged);
  };
  for (const { event, reportedTime } of events) {
    const key = resourceKey(event.resourceUri);
    const partition = partitionOfKey(key, source.partitions);
    (batch[partition] ??= []).push({ key, value: encode(event), timestamp: reportedTime });
    if (++inBatch >= BATCH_EVENTS) await send();
  }
  if (inBatch > 0) await send();
};

const endRecord = (
  { keyring }: SourceTools,
  source: RegisteredSource,
  partition: number,
): NewRecord => {
  const at = { topic: source.topic, epoch: source.epoch, partition };
  const lastHour = source.lastHour ?? source.firstHour;
  return {
    ...controlRecord('end', at, '', keyring),
    timestamp: millis(nextHour(lastHour, source.hourMillis) - 1),
  };
};

/** Longer than a writer takes from its last read of the register to its mark. */
const ABANDON_MILLIS = 2_000;

/**
 * Abandons an unfinished run, so that another run may cover its hours.
 * @throws UserError if all its events are already written, or there is no such run
 */
export const abandonHistory = async (
  tools: SourceTools,
  topic: string,
): Promise<RegisteredSource> => {
  const source = (await readSources(tools.clickHouse)).find(
    (candidate) => candidate.topic === topic && candidate.kind === 'history',
  );
  if (!source)
    throw new UserError(`There is no history run "${topic}": see "usagectl sources list"`);
  if (source.state === 'sealed' || source.state === 'written') {
    throw new UserError(
      `History run ${topic} is ${source.state} and all its events count: it can no longer be abandoned`,
    );
  }
  await writeSource(tools.clickHouse, { ...source, state: 'abandoned' });
  // Its writer may be about to finish: see `markWritten`.
  await new Promise((resolve) => setTimeout(resolve, ABANDON_MILLIS));
  const abandoned = await currentState(tools, source);
  if (abandoned.state !== 'abandoned') {
    throw new UserError(`History run ${topic} was finished at the same moment: it counts`);
  }
  await recordOperation(tools.clickHouse, { kind: 'history-abandoned', subject: topic });
  return abandoned;
};

import { UserError } from '../process/errors.ts';
import { DAY_MILLIS } from '../model/time.ts';

/** A topic as it must be. A setting that is not named here has the broker's default. */
export interface TopicSpec {
  readonly topic: string;
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly settings: Readonly<Record<string, string>>;
}

const FOREVER = '-1';
/** Kafka's default, stated so that a broker with another default is noticed. */
const MAX_BATCH_BYTES = 1_048_588;
/** Leaves room for what we add to the largest record that a live topic accepts. */
const MAX_OWN_BATCH_BYTES = 2 * 1024 * 1024;
const LONG_MAX = '9223372036854775807';

/** The reported time is the broker's clock, so nobody can write into a past hour. */
const REPORTED_BY_BROKER = { 'message.timestamp.type': 'LogAppendTime' };

/** The writer sets the reported time, however long ago it is. */
const REPORTED_BY_WRITER = {
  'message.timestamp.type': 'CreateTime',
  'message.timestamp.before.max.ms': LONG_MAX,
  'message.timestamp.after.max.ms': LONG_MAX,
};

const COMPRESSION = 'compression.type';

/**
 * A small compressed batch could hold records that are too large for another topic. So the broker
 * decompresses what arrives, and refuses a batch that exceeds the limit. Batches that are already stored
 * compressed are still read.
 */
const UNCOMPRESSED = { [COMPRESSION]: 'uncompressed' };

const kept = (retentionMillis: string, maxBytes: number): Record<string, string> => ({
  ...UNCOMPRESSED,
  'cleanup.policy': 'delete',
  'retention.ms': retentionMillis,
  'retention.bytes': '-1',
  'max.message.bytes': String(maxBytes),
});

type Size = Pick<TopicSpec, 'topic' | 'partitions' | 'replicationFactor'>;

const spec = (size: Size, settings: Readonly<Record<string, string>>): TopicSpec => ({
  ...size,
  settings: {
    ...settings,
    // An acknowledged record must survive the loss of a broker, if there are enough brokers.
    'min.insync.replicas': size.replicationFactor >= 3 ? '2' : '1',
  },
});

/** Usage as providers report it, kept for two weeks, in which the aggregator may be down. */
export const liveTopic = (size: Size): TopicSpec =>
  spec(size, { ...REPORTED_BY_BROKER, ...kept(String(14 * DAY_MILLIS), MAX_BATCH_BYTES) });

export const historyTopic = (size: Size): TopicSpec =>
  spec(size, { ...REPORTED_BY_WRITER, ...kept(FOREVER, MAX_BATCH_BYTES) });

/** Refused records, kept for 90 days. ClickHouse has them too. */
export const deadLetterTopic = (size: Size): TopicSpec =>
  spec(size, { ...REPORTED_BY_BROKER, ...kept(String(90 * DAY_MILLIS), MAX_OWN_BATCH_BYTES) });

export const aggregatesTopic = (size: Size): TopicSpec =>
  spec(size, { ...REPORTED_BY_WRITER, ...kept(FOREVER, MAX_OWN_BATCH_BYTES) });

/** How a topic differs from its spec, in words. */
export interface TopicDifference {
  readonly topic: string;
  readonly problem: string;
}

/** The offsets that a partition's log holds, from `low` up to but not including `high`. */
export interface LogBounds {
  readonly low: number;
  readonly high: number;
}

export interface PartitionOffsets extends LogBounds {
  readonly partition: number;
}

/** How a broker's topics differ from their specs. */
export const topicDifferences = (
  specs: readonly TopicSpec[],
  found: ReadonlyMap<string, LiveTopic>,
): readonly TopicDifference[] =>
  specs.flatMap((spec) => {
    const live = found.get(spec.topic);
    return live ? differences(spec, live) : [{ topic: spec.topic, problem: 'does not exist' }];
  });

/** A topic as it exists on the broker. */
export interface LiveTopic {
  readonly partitions: number;
  /** The replicas of the partition that has the fewest. */
  readonly replicas: number;
  readonly settings: Readonly<Record<string, string>>;
}

/** The differences between an existing topic and its spec. */
export const differences = (wanted: TopicSpec, live: LiveTopic): TopicDifference[] => {
  const { topic } = wanted;
  const found: TopicDifference[] = [];
  if (live.partitions !== wanted.partitions) {
    found.push({
      topic,
      problem: `has ${String(live.partitions)} partitions instead of ${String(wanted.partitions)}`,
    });
  }
  if (live.replicas < wanted.replicationFactor) {
    found.push({
      topic,
      problem: `has ${String(live.replicas)} replicas instead of ${String(wanted.replicationFactor)}`,
    });
  }
  for (const [name, value] of Object.entries(wanted.settings)) {
    const actual = live.settings[name];
    if (actual === value) continue;
    const readable = name === COMPRESSION ? ' (what is in it already stays readable)' : '';
    const problem = `has ${name}=${actual ?? '(unknown)'} instead of ${value}${readable}`;
    found.push({ topic, problem });
  }
  return found;
};

/** Turns differences into the error that stops a start: a topic that differs is never used. */
export const refuseDifferences = (found: readonly TopicDifference[]): void => {
  if (found.length === 0) return;
  const list = found.map(({ topic, problem }) => `${topic} ${problem}`).join('; ');
  throw new UserError(
    `Kafka's topics are not as they must be: ${list}. ` +
      'Correct them with kafka-configs.sh, or use another USAGE_TOPIC_PREFIX',
  );
};

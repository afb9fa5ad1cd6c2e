import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs, { type Admin, type Kafka } from 'kafkajs';
import pRetry from 'p-retry';
import type { TopicPartition } from '../model/log-record.ts';
import type { Millis } from '../model/time.ts';
import { messageOf } from '../process/errors.ts';
import { kafkaErrorType } from './error-type.ts';
import type { LiveTopic, LogBounds, PartitionOffsets, TopicSpec } from './topics.ts';

/** What we ask of a broker, apart from reading and writing records. */
export interface KafkaAdmin {
  topicNames(): Promise<ReadonlySet<string>>;
  /** Null if there is no such topic, asked for some seconds. */
  partitionCount(topic: string): Promise<number | null>;
  /**
   * The offsets of each partition, in order.
   * @throws if a partition's leader does not answer within seconds
   */
  offsets(topic: string): Promise<readonly PartitionOffsets[]>;
  bounds(at: TopicPartition): Promise<LogBounds>;
  /** For each partition, the first offset at or after a time; the end of the log if there is none. */
  offsetsSince(topic: string, time: Millis): Promise<ReadonlyMap<number, number>>;
  /** Creates topics that do not exist, and returns when their leaders know them. */
  createTopics(specs: readonly TopicSpec[]): Promise<void>;
  /** Those of the topics that exist, with the settings named in the specs. */
  describeTopics(specs: readonly TopicSpec[]): Promise<ReadonlyMap<string, LiveTopic>>;
  /** Returns when the broker has agreed; the topic disappears some time later. */
  deleteTopic(topic: string): Promise<void>;
  /** The number of members that a consumer group has now. */
  groupSize(groupId: string): Promise<number>;
  deleteGroup(groupId: string): Promise<void>;
  close(): Promise<void>;
}

export const openKafkaAdmin = async (kafka: Kafka): Promise<KafkaAdmin> => {
  const admin = kafka.admin();
  await admin.connect();
  return kafkaAdmin(admin);
};

/** `KafkaAdmin` through a connected admin client of kafkajs. */
export const kafkaAdmin = (admin: Admin): KafkaAdmin => ({
  topicNames: async () => new Set(await admin.listTopics()),
  partitionCount: (topic) => countPartitions(admin, topic),
  offsets: (topic) => readOffsets(admin, topic),
  bounds: async ({ topic, partition }) => {
    const found = (await readOffsets(admin, topic)).find((each) => each.partition === partition);
    if (!found) throw new Error(`${topic} has no partition ${String(partition)}`);
    return found;
  },
  offsetsSince: async (topic, time) => {
    const offsets = await admin.fetchTopicOffsetsByTimestamp(topic, time);
    return new Map(offsets.map(({ partition, offset }) => [partition, Number(offset)]));
  },
  createTopics: (specs) => createTopics(admin, specs),
  describeTopics: (specs) => describeTopics(admin, specs),
  deleteTopic: (topic) => admin.deleteTopics({ topics: [topic] }),
  groupSize: async (groupId) => {
    const { groups } = await admin.describeGroups([groupId]);
    return groups.reduce((sum, { members }) => sum + members.length, 0);
  },
  deleteGroup: async (groupId) => {
    await admin.deleteGroups([groupId]);
  },
  close: () => admin.disconnect(),
});

/** A broker that does not know a new topic yet answers as if there were none, so it is asked again. */
const countPartitions = async (admin: Admin, topic: string): Promise<number | null> => {
  for (const delay of [0, 100, 200, 400, 800, 1_600]) {
    await sleep(delay);
    try {
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
      const count = topics.find(({ name }) => name === topic)?.partitions.length ?? 0;
      if (count > 0) return count;
    } catch (error) {
      if (kafkaErrorType(error) !== 'UNKNOWN_TOPIC_OR_PARTITION') throw error;
    }
  }
  return null;
};

/** Repeats the question for some seconds, because the leaders of a new topic may not know it yet. */
const readOffsets = (admin: Admin, topic: string): Promise<readonly PartitionOffsets[]> => {
  const ask = async (): Promise<readonly PartitionOffsets[]> => {
    try {
      const offsets = await admin.fetchTopicOffsets(topic);
      return offsets
        .map(({ partition, low, high }) => ({ partition, low: Number(low), high: Number(high) }))
        .sort((a, b) => a.partition - b.partition);
    } catch (cause) {
      // kafkajs fails with a TypeError if a leader's answer lacks a partition.
      throw new Error(`could not read the offsets of ${topic}: ${messageOf(cause)}`, { cause });
    }
  };
  return pRetry(ask, { retries: 12, minTimeout: 50, maxTimeout: 2_000 });
};

const createTopics = async (admin: Admin, specs: readonly TopicSpec[]): Promise<void> => {
  const existing = new Set(await admin.listTopics());
  const missing = specs.filter(({ topic }) => !existing.has(topic));
  if (missing.length === 0) return;
  await admin.createTopics({
    waitForLeaders: false,
    topics: missing.map(({ topic, partitions, replicationFactor, settings }) => ({
      topic,
      numPartitions: partitions,
      replicationFactor,
      configEntries: Object.entries(settings).map(([name, value]) => ({ name, value })),
    })),
  });
  // A broker that does not know a new topic yet answers as if the topic did not exist, and kafkajs's own
  // wait gives up at the first such answer. A topic exists once its leaders return its offsets.
  for (const { topic } of missing) await readOffsets(admin, topic);
};

const describeTopics = async (
  admin: Admin,
  specs: readonly TopicSpec[],
): Promise<ReadonlyMap<string, LiveTopic>> => {
  const existing = new Set(await admin.listTopics());
  const present = specs.filter(({ topic }) => existing.has(topic));
  if (present.length === 0) return new Map();
  const { topics } = await admin.fetchTopicMetadata({ topics: present.map(({ topic }) => topic) });
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: present.map(({ topic, settings }) => ({
      type: kafkajs.ConfigResourceTypes.TOPIC,
      name: topic,
      configNames: Object.keys(settings),
    })),
  });
  return new Map(
    present.map(({ topic }) => {
      const partitions = topics.find(({ name }) => name === topic)?.partitions ?? [];
      const entries = resources.find(({ resourceName }) => resourceName === topic)?.configEntries;
      const settings = (entries ?? []).map(
        ({ configName, configValue }) => [configName, configValue] as const,
      );
      return [
        topic,
        {
          partitions: partitions.length,
          replicas: Math.min(...partitions.map(({ replicas }) => replicas.length)),
          settings: Object.fromEntries(settings),
        },
      ];
    }),
  );
};

import type { KafkaAdmin } from '../kafka/admin.ts';
import type { KafkaConfig } from '../process/config.ts';
import { aggregatesTopicName, deadLetterTopicName } from '../kafka/topic-names.ts';
import {
  aggregatesTopic,
  deadLetterTopic,
  refuseDifferences,
  topicDifferences,
  type TopicSpec,
} from '../kafka/topics.ts';
import type { Source } from '../model/source.ts';
import { sourceTopic } from './source-opening.ts';

/** Partitions of the topics that the aggregator writes to; fixed once they exist. */
export const OUT_PARTITIONS = 3;

/** The topics that do not belong to a source. */
const outTopics = (config: KafkaConfig): readonly TopicSpec[] => {
  const size = {
    partitions: OUT_PARTITIONS,
    replicationFactor: config.KAFKA_REPLICATION_FACTOR,
  };
  return [
    deadLetterTopic({ ...size, topic: deadLetterTopicName(config.USAGE_TOPIC_PREFIX) }),
    aggregatesTopic({ ...size, topic: aggregatesTopicName(config.USAGE_TOPIC_PREFIX) }),
  ];
};

export const createOutTopics = (admin: KafkaAdmin, config: KafkaConfig): Promise<void> =>
  admin.createTopics(outTopics(config));

/**
 * Whether a source's topic is to be read: it has been made, and its usage counts. A sealed epoch of a
 * live topic has been read to its end, and its log may be gone.
 */
export const isRead = ({ kind, state }: Source): boolean =>
  state === 'open' || state === 'written' || (state === 'sealed' && kind === 'history');

/**
 * Holds every topic in use against what it must be.
 * @throws UserError that names each difference: a topic that differs is never just used.
 */
export const refuseWrongTopics = async (
  admin: KafkaAdmin,
  config: KafkaConfig,
  sources: readonly Source[],
): Promise<void> => {
  const specs = [
    ...outTopics(config),
    ...sources.filter(isRead).map((source) => sourceTopic(source, config.KAFKA_REPLICATION_FACTOR)),
  ];
  refuseDifferences(topicDifferences(specs, await admin.describeTopics(specs)));
};

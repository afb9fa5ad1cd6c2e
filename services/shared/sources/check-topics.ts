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

/** The number of partitions of the topics to which the aggregator writes. It is fixed once they exist. */
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
 * Whether a source's topic should be read: it exists, and its usage counts. A sealed epoch of a live topic
 * has been read to its end, and its log may be gone.
 */
export const isRead = ({ kind, state }: Source): boolean =>
  state === 'open' || state === 'written' || (state === 'sealed' && kind === 'history');

/**
 * Compares every topic in use with its spec.
 * @throws UserError that names each difference: a topic that differs is never used
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

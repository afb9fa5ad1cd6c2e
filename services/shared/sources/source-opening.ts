import type { ClickHouseClient } from '@clickhouse/client';
import type { KafkaAdmin } from '../kafka/admin.ts';
import type { PublishedSchema } from '../avro/schema-directory.ts';
import { controlRecord, type Keyring } from '../model/control-record.ts';
import type { LogWriter } from '../kafka/log-writer.ts';
import {
  historyTopic,
  liveTopic,
  refuseDifferences,
  topicDifferences,
  type TopicSpec,
} from '../kafka/topics.ts';
import { serializeRules } from '../model/rules.ts';
import type { Source } from '../model/source.ts';
import { hourOf, nextHour, type Hour } from '../model/time.ts';
import { writeSource, type RegisteredSource } from './register.ts';
import { rulesFor } from './rules-for.ts';

/** The tools that change sources: the register, the broker, and the signing keys. */
export interface SourceTools {
  readonly clickHouse: ClickHouseClient;
  readonly admin: KafkaAdmin;
  readonly writer: LogWriter;
  readonly keyring: Keyring;
  readonly schemas: readonly PublishedSchema[];
  readonly replicationFactor: number;
}

/** The spec of a source's topic. */
export const sourceTopic = (source: Source, replicationFactor: number): TopicSpec => {
  const size = { topic: source.topic, partitions: source.partitions, replicationFactor };
  return source.kind === 'live' ? liveTopic(size) : historyTopic(size);
};

/**
 * Prepares a declared source for writing: creates its topic, and writes the rules as the first record of
 * each partition. It may be interrupted anywhere and repeated: rules that are there twice count once.
 * @throws UserError if the topic exists and is not as it must be
 */
export const openSource = async (
  tools: SourceTools,
  source: RegisteredSource,
): Promise<RegisteredSource> => {
  const spec = sourceTopic(source, tools.replicationFactor);
  await tools.admin.createTopics([spec]);
  refuseDifferences(topicDifferences([spec], await tools.admin.describeTopics([spec])));
  const rules = serializeRules(rulesFor(source, 1, tools.schemas, tools.keyring));
  let { firstHour } = source;
  for (let partition = 0; partition < source.partitions; partition++) {
    const at = { topic: source.topic, epoch: source.epoch, partition };
    const record = controlRecord('rules', at, rules, tools.keyring);
    const [appended] = await tools.writer.append(at, [{ ...record, timestamp: source.firstHour }]);
    // If our clock is ahead of the broker's, the first hour may lie in the broker's future. Until then all
    // usage would look too old, so the first hour is moved back.
    if (source.kind === 'live' && source.predecessor === null && appended?.appendTime) {
      const next = nextHour(hourOf(appended.appendTime, source.hourMillis), source.hourMillis);
      firstHour = Math.min(firstHour, next) as Hour;
    }
  }
  return writeSource(tools.clickHouse, { ...source, firstHour, state: 'open' });
};

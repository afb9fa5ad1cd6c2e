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

/** What it takes to change sources: the register, the broker, and the keys that sign. */
export interface SourceTools {
  readonly clickHouse: ClickHouseClient;
  readonly admin: KafkaAdmin;
  readonly writer: LogWriter;
  readonly keyring: Keyring;
  readonly schemas: readonly PublishedSchema[];
  readonly replicationFactor: number;
}

/** How the topic of a source must be. */
export const sourceTopic = (source: Source, replicationFactor: number): TopicSpec => {
  const size = { topic: source.topic, partitions: source.partitions, replicationFactor };
  return source.kind === 'live' ? liveTopic(size) : historyTopic(size);
};

/**
 * Makes a declared source ready to be written: its topic, and the rules as the first record of each
 * partition. It may be interrupted anywhere and repeated: rules that stand there twice count once.
 * @throws UserError where the topic exists and is not as it must be.
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
    // A clock that is ahead of the broker's must not make all usage until then look too old.
    if (source.kind === 'live' && source.predecessor === null && appended?.appendTime) {
      const next = nextHour(hourOf(appended.appendTime, source.hourMillis), source.hourMillis);
      firstHour = Math.min(firstHour, next) as Hour;
    }
  }
  return writeSource(tools.clickHouse, { ...source, firstHour, state: 'open' });
};

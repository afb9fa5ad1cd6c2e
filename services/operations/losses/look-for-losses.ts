import { readSchemaDirectory } from '../../shared/avro/schema-directory.ts';
import { hourPartDecoder } from '../../shared/avro/hour-part-codec.ts';
import type { KafkaConfig, ClickHouseConfig } from '../../shared/process/config.ts';
import type { Keyring } from '../../shared/model/control-record.ts';
import { UserError } from '../../shared/process/errors.ts';
import { aggregatesTopicName } from '../../shared/kafka/topic-names.ts';
import { newestEpoch, type Source } from '../../shared/model/source.ts';
import { readSources } from '../../shared/sources/register.ts';
import { withAdmin, withClickHouse } from '../sources/source-tools.ts';
import { LogReader } from '../../shared/kafka/log-reader.ts';
import { findLosses, type FoundLoss } from './find-losses.ts';

/**
 * What was found, and the number of live sources that were searched. Zero sources means that there is no
 * answer.
 */
export interface LossesFound {
  readonly sources: number;
  readonly losses: readonly FoundLoss[];
}

/**
 * Looks for lost records in one live topic, or in all.
 * @throws UserError if there is no such topic
 */
export const lookForLosses = (
  config: KafkaConfig & ClickHouseConfig & { readonly USAGE_CONTROL_KEYS: Keyring },
  topic: string | null,
): Promise<LossesFound> =>
  withClickHouse(config, (clickHouse) =>
    withAdmin(config, async (admin, kafka) => {
      const sources = chosen(await readSources(clickHouse), topic);
      const aggregatesTopic = aggregatesTopicName(config.USAGE_TOPIC_PREFIX);
      const existing = await admin.topicNames();
      const topics = [aggregatesTopic, ...sources.map((source) => source.topic)];
      const reader = await LogReader.open(
        kafka,
        admin,
        topics.filter((each) => existing.has(each)),
      );
      try {
        const keyring = config.USAGE_CONTROL_KEYS;
        const decode = hourPartDecoder(readSchemaDirectory());
        const tools = { clickHouse, admin, reader, aggregatesTopic, keyring, decode };
        return { sources: sources.length, losses: await findLosses(tools, sources) };
      } finally {
        await reader.close();
      }
    }),
  );

const chosen = (register: readonly Source[], topic: string | null): readonly Source[] => {
  const live = register.filter(
    (source) => source.kind === 'live' && newestEpoch(register, source.topic) === source,
  );
  const open = live.filter(({ state }) => state === 'open');
  if (topic === null) return open;
  if (live.some((source) => source.topic === topic)) {
    return open.filter((source) => source.topic === topic);
  }
  const run = register.find((source) => source.topic === topic && source.kind === 'history');
  if (run) {
    throw new UserError(
      `${topic} is a history run: abandon it with "usagectl sources abandon ${topic}", and import it again`,
    );
  }
  throw new UserError(`There is no live source "${topic}": see "usagectl sources list"`);
};

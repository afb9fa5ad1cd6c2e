import type { KafkaConfig } from '../../shared/process/config.ts';
import { createOutTopics, refuseWrongTopics } from '../../shared/sources/check-topics.ts';
import { openLiveSources } from './live-sources.ts';
import type { SourceTools } from '../../shared/sources/source-opening.ts';
import type { Provider } from '../../shared/sources/providers.ts';
import { readSources, type RegisteredSource } from '../../shared/sources/register.ts';

export interface Provisioned {
  /** Live sources that were opened now. */
  readonly opened: readonly RegisteredSource[];
  /** The register afterwards. */
  readonly sources: readonly RegisteredSource[];
}

/**
 * Creates missing topics, opens a live source for each new provider, and checks that all topics are as they
 * must be. May be repeated at every start.
 * @throws UserError that names what differs
 */
export const provision = async (
  tools: SourceTools,
  config: KafkaConfig & { readonly USAGE_HOUR_MILLIS: number },
  providers: readonly Provider[],
): Promise<Provisioned> => {
  await createOutTopics(tools.admin, config);
  const opened = await openLiveSources(tools, providers, {
    prefix: config.USAGE_TOPIC_PREFIX,
    hourMillis: config.USAGE_HOUR_MILLIS,
    now: Date.now,
  });
  const sources = await readSources(tools.clickHouse);
  await refuseWrongTopics(tools.admin, config, sources);
  return { opened, sources };
};

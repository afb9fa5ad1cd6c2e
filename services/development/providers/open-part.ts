import type { ClickHouseClient } from '@clickhouse/client';
import type { Logger } from 'pino';
import { openUsageProvider } from '../../provider-sdk/index.ts';
import { readDirectory } from '../../shared/directory/directory-table.ts';
import { liveTopicName } from '../../shared/kafka/topic-names.ts';
import { newestEpoch } from '../../shared/model/source.ts';
import { hourOf, millis, nextHour, type Hour, type Millis } from '../../shared/model/time.ts';
import { UserError } from '../../shared/process/errors.ts';
import { persist } from '../../shared/process/retry.ts';
import type { RegisteredSource } from '../../shared/sources/register.ts';
import { withWorkers } from '../simulated-cloud/app-service-workers.ts';
import { KINDS } from '../simulated-cloud/kinds.ts';
import { seededCloud } from '../simulated-cloud/seeded-cloud.ts';
import type { CloudResource } from '../simulated-cloud/resource.ts';
import { CloudStore, type Revised } from './cloud-store.ts';
import type { ProvidersConfig } from './config.ts';
import { FaultPlans, isSamePlan } from './faults/fault-plan.ts';
import { MAX_HELD_HOURS } from './faults/held-back.ts';
import { LiveCloud } from './live-cloud.ts';
import { ProviderPart } from './provider-part.ts';
import { liveBegin } from './reporting/live-begin.ts';
import { progressFrom, type Progress } from './reporting/progress.ts';
import { reportingClock, sliceStart } from './reporting/reporting-clock.ts';
import { sendReport } from './send-report.ts';
import type { SpoiledRecords } from './spoiled-records.ts';

export interface OpeningTools {
  readonly config: ProvidersConfig;
  readonly sources: readonly RegisteredSource[];
  readonly clickHouse: ClickHouseClient;
  readonly spoiled: SpoiledRecords;
  /** Aborted when the process stops. */
  readonly signal: AbortSignal;
  readonly logger: Logger;
}

/** What the broker does not take in this time is reported by the next process. */
const CLOSE_MILLIS = 2_000;

/**
 * Opens one provider with what it remembers.
 * @throws UserError if there is no such provider, or no source for its usage
 */
export const openPart = async (name: string, tools: OpeningTools): Promise<ProviderPart> => {
  const { config, sources, clickHouse, spoiled, signal, logger } = tools;
  refuseUnknown(name);
  const topic = liveTopicName(config.USAGE_TOPIC_PREFIX, name);
  const source = newestEpoch(sources, topic);
  if (!source) throw new UserError(`There is no live source ${topic}: run "usagectl provision"`);
  // The source defines the length of its hours. Usage that spans two of them would be refused.
  const { hourMillis } = source;
  const clock = reportingClock(hourMillis, config.CLOUD_REPORTS_PER_HOUR);
  const store = new CloudStore(clickHouse, name);
  const stored = await store.progress();
  const plans = await plansInForce(store, stored, config, {
    begin: liveBegin(sources, topic, config),
    hourMillis,
  });
  const begin = plans.begin ?? source.firstHour;
  const progress = stored ?? { value: progressFrom(begin), revision: 0 };
  const oldest = progress.value.reportedThrough - MAX_HELD_HOURS * hourMillis;
  const cloud = new LiveCloud(
    seededOf(name, config, millis(Math.max(begin, oldest))),
    await store.resources(),
    nextSlice(clock),
    // It waits for ClickHouse: whether a failed insert was stored, nobody can tell.
    (changed, by) =>
      persist(logger)('store a change', () => store.putResources(changed, by), signal),
    (resources) => withWorkers(resources, config.PROVIDER_SUBSCRIPTION_ID),
  );
  const provider = await openUsageProvider({
    ...{ kafka: config, topic, hourMillis, closeMillis: CLOSE_MILLIS, logger },
  });
  return new ProviderPart(progress, {
    rules: { provider: name, plans, hourMillis, begin },
    clock,
    cloud,
    send: sendReport({ provider, spoiled, source }),
    closeProvider: () => provider.close(),
    putProgress: (next) => store.putProgress(next),
    subscriptionState: async (id) =>
      (await readDirectory(clickHouse)).find((each) => each.id === id)?.state ?? null,
    stallMillis: config.CLOUD_STALL_MILLIS,
    graceMillis: CLOSE_MILLIS,
    logger,
  });
};

const refuseUnknown = (name: string): void => {
  const known = new Set(Object.values(KINDS).map(({ provider }): string => provider));
  if (known.has(name)) return;
  throw new UserError(
    `The simulated cloud has no provider "${name}": CLOUD_PROVIDERS may name ${[...known].join(', ')}`,
  );
};

/** The resources that follow from the seed, with all whose usage may still be reported. */
const seededOf = (
  name: string,
  { CLOUD_SEED: seed, CLOUD_SUBSCRIPTIONS: subscriptions }: ProvidersConfig,
  from: Millis,
): readonly CloudResource[] =>
  seededCloud({ seed, subscriptions, from }).filter(({ provider }) => provider === name);

/** The process before this one may have reported anything that ended before now. */
const nextSlice = (clock: ReturnType<typeof reportingClock>) =>
  millis(sliceStart(millis(Date.now()), clock) + clock.sliceMillis);

/**
 * The first plan begins with the provider. Other faults than before begin with the next hour of which
 * nothing was reported.
 */
const plansInForce = async (
  store: CloudStore,
  stored: Revised<Progress> | null,
  { faults }: ProvidersConfig,
  { begin, hourMillis }: { readonly begin: Hour; readonly hourMillis: number },
): Promise<FaultPlans> => {
  const planned = await store.faults();
  const known = new FaultPlans(planned);
  if (known.begin !== null && isSamePlan(known.newest, faults)) return known;
  const after = millis(Math.max(stored?.value.claimedThrough ?? 0, Date.now()));
  const fromHour = known.begin === null ? begin : nextHour(hourOf(after, hourMillis), hourMillis);
  const next = { fromHour, plan: faults };
  await store.putFaults(next);
  return new FaultPlans([...planned, next]);
};

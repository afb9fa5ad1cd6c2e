import { setTimeout as sleep } from 'node:timers/promises';
import { readSchemaDirectory } from '../../shared/avro/schema-directory.ts';
import { usageEventEncoder } from '../../shared/avro/usage-event-codec.ts';
import { addMissingSubscriptions } from '../../operations/subscriptions/change-directory.ts';
import { openClickHouse } from '../../shared/clickhouse/client.ts';
import { connectKafka } from '../../shared/kafka/client.ts';
import { openLogWriter } from '../../shared/kafka/log-writer.ts';
import { liveTopicName } from '../../shared/kafka/topic-names.ts';
import { millis } from '../../shared/model/time.ts';
import { Attempt } from '../../shared/process/attempt.ts';
import { UserError } from '../../shared/process/errors.ts';
import { attemptProblem, startHealthServer } from '../../shared/process/health.ts';
import { runService } from '../../shared/process/lifecycle.ts';
import { persist } from '../../shared/process/retry.ts';
import { readSources } from '../../shared/sources/register.ts';
import { simulatedCloud } from '../simulated-cloud/cloud.ts';
import { simulatedSubscriptions } from '../simulated-cloud/subscriptions.ts';
import { readEmitterConfig } from './config.ts';
import { endOf, lastEnded, partAfter, partsOf } from './reporting-clock.ts';
import { UsageReporter } from './usage-reporter.ts';

const COMPUTE = 'compute';

/** The simulated Compute provider: reports what its machines and disks consume, every few seconds. */
runService('emitter-compute', async (logger, environment, crash) => {
  const config = readEmitterConfig(environment);
  const kafka = await connectKafka(config, 'usage-emitter', logger);
  const topic = liveTopicName(config.USAGE_TOPIC_PREFIX, COMPUTE);
  const clickHouse = openClickHouse(config);
  const source = (await readSources(clickHouse)).find((candidate) => candidate.topic === topic);
  const cloudOf = { seed: config.EMITTER_SEED, tenants: config.EMITTER_TENANTS };
  await addMissingSubscriptions(
    clickHouse,
    simulatedSubscriptions(
      { seed: config.EMITTER_SEED, subscriptions: config.EMITTER_TENANTS },
      config.PROVIDER_SUBSCRIPTION_ID,
    ),
    { origin: 'emitter', defaultProvider: config.PROVIDER_SUBSCRIPTION_ID },
  );
  await clickHouse.close();
  if (!source) throw new UserError(`There is no live source ${topic}: run "usagectl provision"`);

  // The source defines the length of its hours. Usage that spans two of them would be refused.
  const { hourMillis } = source;
  const clock = partsOf(hourMillis, config.EMITTER_REPORTS_PER_HOUR);
  const cloud = simulatedCloud(cloudOf);
  const encode = usageEventEncoder(readSchemaDirectory());
  const writer = await openLogWriter(kafka);
  const reporter = new UsageReporter(source, cloud, clock, encode, writer);
  const stopped = new AbortController();
  const reporting = new Attempt();

  const run = async (): Promise<void> => {
    let part = lastEnded(millis(Date.now()), clock);
    while (!stopped.signal.aborted) {
      const due = part;
      await reporting.run(() =>
        persist(logger)('report usage', () => reporter.report(due), stopped.signal),
      );
      part = partAfter(part, clock);
      await sleep(Math.max(0, endOf(part, clock) - Date.now()), null, { signal: stopped.signal });
    }
  };
  const health = await startHealthServer(config, () => {
    const { pendingFor } = reporting;
    const problem = attemptProblem(
      'no report got through',
      pendingFor,
      config.EMITTER_STALL_MILLIS,
    );
    return {
      problems: problem === null ? [] : [problem],
      details: { topic, resources: reporter.resources, reported: reporter.reported },
    };
  });
  const running = run().catch((error: unknown) => {
    if (!stopped.signal.aborted) crash(error);
  });
  logger.info({ topic, resources: reporter.resources, health: health.url }, 'ready');
  return {
    stop: async () => {
      stopped.abort();
      await running;
      await writer.close();
      await health.close();
    },
  };
});

import { join } from 'node:path';
import {
  beginHistory,
  writeHistory,
} from '../../../services/operations/history-runs/history-run.ts';
import { readBillingCounts } from '../../../services/shared/billing/billing-counts.ts';
import { openClickHouse } from '../../../services/shared/clickhouse/client.ts';
import { HOUR_MILLIS, millis } from '../../../services/shared/model/time.ts';
import { inRepository } from '../../../services/shared/process/repository.ts';
import { createOutTopics } from '../../../services/shared/sources/check-topics.ts';
import { startCommerce } from '../../support/commerce-process.ts';
import { startService, usagectl, type ServiceProcess } from '../../support/service-process.ts';
import { waitFor } from '../../support/wait-for.ts';
import { untilStored } from '../contenders/aggregator.ts';
import type { Bench, BenchRow } from '../bench.ts';
import { atLeast, numberText } from '../figure.ts';
import { loadRecords } from '../load/load.ts';
import { LOAD_TIME, REPORTED_HOUR } from '../load/write-load.ts';
import { Meter } from '../meter.ts';
import { dropDatabase, openScene, withTools, type Scene } from '../scene.ts';

const ROW = 'bridge';
const PARTITIONS = 2;
const PATIENCE_SECONDS = 900;

/** One sealed, billable hour with so many aggregates, published by an aggregator. */
const publish = async (scene: Scene, { options }: Bench, aggregates: number): Promise<void> => {
  const load = {
    events: aggregates,
    tenants: options.tenants,
    resources: Math.ceil(aggregates / (options.tenants * options.meters)),
    meters: options.meters,
    usageHours: 1,
    duplicates: 0,
    lateness: 0,
    seed: options.seed,
    partitions: PARTITIONS,
  };
  await withTools(scene, async (tools) => {
    await createOutTopics(tools.admin, scene.config);
    const { source } = await beginHistory(
      tools,
      {
        origin: 'bench:bridge',
        firstHour: REPORTED_HOUR,
        lastHour: REPORTED_HOUR,
        hourMillis: HOUR_MILLIS,
        partitions: PARTITIONS,
        billable: true,
      },
      scene.config.USAGE_TOPIC_PREFIX,
    );
    const events = [...loadRecords(load, REPORTED_HOUR, HOUR_MILLIS)].map(({ event }) => ({
      event,
      reportedTime: millis(LOAD_TIME),
    }));
    await writeHistory(tools, source, events);
  });
  const service = await startService('aggregator', scene.environment);
  try {
    // Of each partition the rules at its head and the seal at its end are records, too.
    await untilStored(service, aggregates + 2 * PARTITIONS);
    await service.stop();
  } finally {
    await service.kill();
  }
};

/** What the health server of a bridge says, as far as it is asked here. */
interface Health {
  readonly compositions: number;
  readonly pending: number;
}

/**
 * From the start of the bridge until all has its outcome, and the outcomes are stored. The bridge is asked, and not
 * ClickHouse: to count rows again and again takes processor time from what is measured.
 */
const drain = async (bridge: ServiceProcess, meter: Meter) => {
  const begun = Date.now();
  meter.begin();
  const url = `${await bridge.address('health')}/health/ready`;
  await waitFor(
    'the backlog is accepted',
    async () => {
      const now = (await (await fetch(url)).json()) as Health;
      return now.compositions === PARTITIONS && now.pending === 0;
    },
    PATIENCE_SECONDS,
  );
  return { seconds: (Date.now() - begun) / 1000, processor: meter.end().processor };
};

/** Why the figure does not count; null where all was accepted and nobody knows of another usage. */
const problemOf = async (
  scene: Scene,
  environment: Readonly<Record<string, string>>,
  aggregates: number,
): Promise<string | null> => {
  const client = openClickHouse(scene.config);
  try {
    const { accepted } = await readBillingCounts(client);
    const reconciled = await usagectl(['bridge', 'reconcile', '--json'], environment);
    return accepted === aggregates && reconciled.code === 0
      ? null
      : `${String(accepted)} of ${String(aggregates)} were accepted; usagectl bridge reconcile: ${reconciled.stderr}${reconciled.stdout}`.slice(
          0,
          600,
        );
  } finally {
    await client.close();
  }
};

/** What waits for a bridge that was away: from its start to the last acceptance. */
export const bridge: BenchRow = {
  name: ROW,
  title: 'aggregates a second that Commerce accepts when the bridge has a backlog',
  run: async (bench) => {
    const aggregates = bench.options.quick ? 5_000 : 30_000;
    const { directory, broker, engine } = bench.servers;
    const scene = await openScene(bench.servers, ROW);
    const commerce = await startCommerce({
      COMMERCE_DATA_DIR: join(directory, 'commerce'),
      COMMERCE_MAX_AGE_HOURS: '0',
    });
    try {
      await publish(scene, bench, aggregates);
      bench.say(`  ${aggregates.toLocaleString('en')} aggregates wait`);
      const environment = {
        ...scene.environment,
        COMMERCE_URL: commerce.url,
        COMMERCE_REGISTRATION_FILE: inRepository('samples/registration.json'),
      };
      const service = await startService('bridge', environment);
      try {
        const pids = { bridge: service.pid, commerce: commerce.pid, broker, engine };
        const { seconds, processor } = await drain(service, new Meter(pids));
        await service.stop();
        const spent = Object.entries(processor);
        for (const [name, used] of spent) bench.say(`  processor ${name}: ${numberText(used)} s`);
        const common = { row: ROW, problem: await problemOf(scene, environment, aggregates) };
        return [
          {
            ...common,
            title: 'aggregates accepted, from the start of the bridge',
            value: aggregates / seconds,
            unit: '/s',
            target: atLeast(2_000),
          },
          {
            ...common,
            title: 'processor time a thousand, all processes',
            value: spent.reduce((sum, [, used]) => sum + used, 0) / (aggregates / 1_000),
            unit: 's',
            target: null,
          },
        ];
      } finally {
        await service.kill();
      }
    } finally {
      await commerce.end('SIGTERM');
      await dropDatabase(scene);
    }
  },
};

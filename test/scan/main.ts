import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startClickHouse } from '../../services/development/local/clickhouse/start-clickhouse.ts';
import { openClickHouse } from '../../services/shared/clickhouse/client.ts';
import { migrate } from '../../services/shared/clickhouse/migrations.ts';
import { HOUR_MILLIS, type Hour } from '../../services/shared/model/time.ts';
import { clickHouseSettings, parseEnvironment } from '../../services/shared/process/config.ts';
import { ClickHouseStore } from '../../services/shared/usage-store/clickhouse-store.ts';
import {
  closeThrough,
  declareSource,
  hour,
  insertWindows,
  PROVIDER,
} from '../integration/usage-api-fixture.ts';
import { inRepository } from '../../services/shared/process/repository.ts';
import { startService } from '../support/service-process.ts';
import { openTestSignIn } from '../support/sign-in.ts';
import { schemathesis } from './schemathesis.ts';

/**
 * Sends the usage API what schemathesis, which no one here wrote, makes of its OpenAPI document: right and
 * wrong requests. No answer may be a server error, or differ from the document. Needs Python 3 with `venv`.
 */
const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
  'negative_data_rejection',
].join(',');

const FIRST = hour('2019-12-10T19');

const fill = async (environment: Readonly<Record<string, string>>): Promise<void> => {
  const config = parseEnvironment(clickHouseSettings, environment);
  await migrate(config);
  const client = openClickHouse(config);
  const place = { topic: 'usage.history.scan', epoch: 1, partition: 0 };
  const source = await declareSource(client, {
    topic: place.topic,
    kind: 'history',
    firstHour: FIRST,
    lastHour: FIRST,
    state: 'sealed',
  });
  await insertWindows(
    client,
    Array.from({ length: 1_500 }, (_, n) => ({
      ...place,
      reportedHour: FIRST,
      usageHour: (FIRST - HOUR_MILLIS) as Hour,
      subscriptionId: PROVIDER,
      meterId: 'METER',
      resourceUri: `/subscriptions/x/vm${String(n)}`,
      location: 'local',
      tags: null,
      additionalInfo: null,
      quantity: '1',
      firstOffset: n,
      lastOffset: n,
    })),
  );
  await new ClickHouseStore(client).rollUpDays({ ...place, source }, FIRST, FIRST);
  await closeThrough(client, place, (FIRST + HOUR_MILLIS) as Hour, { sealed: true });
  await client.close();
};

const run = (
  command: string,
  args: readonly string[],
  cwd: string,
  environment: Readonly<Record<string, string>>,
): Promise<number> =>
  new Promise((resolve, reject) => {
    const env = { ...process.env, ...environment };
    const child = spawn(command, args, { stdio: 'inherit', cwd, env });
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });

/** A subscription that exists, so that requests get as far as to its usage. */
const CONFIGURATION = `hooks = "${inRepository('test/scan/hooks.py')}"

[parameters]
subscriptionId = "${PROVIDER}"
`;

/** Ranges with rows; that of the hours has two pages. */
const RANGES = [
  {
    reportedStartTime: '2019-12-10T19:00:00Z',
    reportedEndTime: '2019-12-10T20:00:00Z',
    aggregationGranularity: 'Hourly',
  },
  {
    reportedStartTime: '2019-12-10T21:00+02:00',
    reportedEndTime: '2019-12-10T20:00',
    aggregationGranularity: 'hourly',
  },
  {
    reportedStartTime: '2019-12-10',
    reportedEndTime: '2019-12-11',
    aggregationGranularity: 'Daily',
  },
];

/** A scan whose requests are refused at the door says nothing about what is behind it. */
const ENOUGH_WITH_ROWS = 100;

interface Counts {
  readonly requests?: number;
  readonly withRows?: number;
  readonly 200?: number;
}

const reportCounts = async (path: string): Promise<void> => {
  const counts = JSON.parse(await readFile(path, 'utf8')) as Counts;
  const { requests = 0, withRows = 0, 200: answered = 0 } = counts;
  console.log(
    `${String(requests)} requests for usage: ${String(answered)} answered 200, ${String(withRows)} of them with rows (all statuses: ${JSON.stringify(counts)})`,
  );
  if (withRows >= ENOUGH_WITH_ROWS) return;
  console.log(`FAILED: fewer than ${String(ENOUGH_WITH_ROWS)} requests reached rows`);
  process.exitCode = 1;
};

const directory = await mkdtemp(join(tmpdir(), 'usage-scan-'));
const signIn = await openTestSignIn();
const server = await startClickHouse({ dataDir: join(directory, 'clickhouse') });
try {
  await fill(server.environment);
  const service = await startService('usage-api', {
    ...server.environment,
    USAGE_API_PORT: '0',
    ...signIn.environment,
    USAGE_API_READS_PER_HOUR: '1000000000',
    PROVIDER_SUBSCRIPTION_ID: PROVIDER,
    LOG_LEVEL: 'info',
  });
  try {
    const configuration = join(directory, 'schemathesis.toml');
    await writeFile(configuration, CONFIGURATION);
    const program = await schemathesis();
    const { authorization = '' } = await signIn.headersOf('Reader', PROVIDER);
    const code = await run(
      program,
      [
        ...['--config-file', configuration, 'run', `${await service.address('url')}/openapi.json`],
        ...['--header', `Authorization: ${authorization}`],
        ...['--checks', CHECKS, '--phases', 'examples,coverage,fuzzing', '--max-examples', '50'],
        ...['--seed', '1', '--generation-database', 'none', '--no-color'],
      ],
      directory,
      {
        SCAN_COUNTS: join(directory, 'counts.json'),
        SCAN_RANGES: JSON.stringify(RANGES),
        SCAN_LEAD: process.env['SCAN_LEAD'] ?? 'on',
      },
    );
    await reportCounts(join(directory, 'counts.json'));
    if (code !== 0) process.exitCode = 1;
  } finally {
    await service.stop();
  }
} finally {
  await server.stop();
  await signIn.close();
  await rm(directory, { recursive: true, force: true });
}

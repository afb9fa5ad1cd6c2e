import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beginHistory, writeHistory } from '../../services/operations/history-runs/history-run.ts';
import { timeOf } from '../../services/shared/model/time-text.ts';
import { HOUR_MILLIS, isoText, millis, type Hour } from '../../services/shared/model/time.ts';
import { Pipeline } from '../support/pipeline.ts';
import { startService, usagectl } from '../support/service-process.ts';
import { generateWorkload } from '../support/workload/generate-workload.ts';
import { hourly, PATH, PROVIDER, VERSION } from './usage-api-fixture.ts';

/**
 * Lord Howe Island moves its clocks by half an hour: back on the morning of 7 April 2024, forward on that
 * of 6 October. Both nights are about 15:00 UTC on the day before.
 */
const ZONE = 'Australia/Lord_Howe';
const DAYS = ['2024-04-06', '2024-10-05'];

const hoursOf = (day: string): readonly Hour[] =>
  Array.from({ length: 48 }, (_, n) => (timeOf(`${day}T00:00:00Z`) + n * HOUR_MILLIS) as Hour);

const fold = async (pipeline: Pipeline, day: string, zone: string): Promise<void> => {
  const hours = hoursOf(day);
  const [firstHour, lastHour] = [hours[0], hours.at(-1)] as [Hour, Hour];
  const { source } = await beginHistory(
    pipeline.tools,
    {
      origin: `night ${day}`,
      firstHour,
      lastHour,
      hourMillis: HOUR_MILLIS,
      partitions: 2,
      billable: false,
    },
    pipeline.stack.config.USAGE_TOPIC_PREFIX,
  );
  await pipeline.produce(
    generateWorkload({
      seed: 7,
      events: 1_500,
      tenants: 3,
      resourcesPerTenant: 3,
      topics: [source],
      reportedFrom: millis(firstHour),
      reportedTo: millis(lastHour + HOUR_MILLIS - 1),
    }),
  );
  await writeHistory(pipeline.tools, source, []);
  const aggregator = await pipeline.startAggregator({ TZ: zone });
  await pipeline.settled();
  await aggregator.stop();
};

/** Every answer about both nights, as it is on the wire, from services that run in a time zone. */
const answersIn = async (zone: string): Promise<readonly string[]> => {
  const pipeline = await Pipeline.open(HOUR_MILLIS);
  try {
    for (const day of DAYS) await fold(pipeline, day, zone);
    const service = await startService('usage-api', {
      ...pipeline.environment,
      TZ: zone,
      USAGE_API_PORT: '0',
      USAGE_API_SIGN_IN: 'off',
      PROVIDER_SUBSCRIPTION_ID: PROVIDER,
    });
    try {
      const api = await service.address('url');
      const answers: string[] = [];
      const read = async (path: string): Promise<void> => {
        const answer = await fetch(api + path);
        const body = await answer.text();
        expect([path, answer.status, body.includes('nextLink')]).toEqual([path, 200, false]);
        answers.push(body);
      };
      for (const day of DAYS) {
        for (const from of hoursOf(day)) {
          const [start, end] = [from, millis(from + HOUR_MILLIS)].map((at) => isoText(at));
          await read(hourly(start?.slice(0, 13) ?? '', end?.slice(0, 13) ?? ''));
        }
        for (const n of [0, 1]) {
          const [start, end] = [n, n + 1].map((days) =>
            isoText(millis(timeOf(`${day}T00:00:00Z`) + days * 24 * HOUR_MILLIS)).slice(0, 10),
          );
          await read(
            `${PATH}?reportedStartTime=${start ?? ''}&reportedEndTime=${end ?? ''}&api-version=${VERSION}`,
          );
        }
      }
      for (const day of DAYS) {
        const [start, end] = [0, 2].map((n) =>
          isoText(millis(timeOf(`${day}T00:00:00Z`) + n * 24 * HOUR_MILLIS)),
        );
        for (const granularity of ['hourly', 'daily']) {
          answers.push(
            await printed(pipeline, { TZ: zone, USAGE_API_URL: api }, granularity, start, end),
          );
        }
      }
      return answers;
    } finally {
      await service.stop();
    }
  } finally {
    await pipeline.close();
  }
};

/** What the command line reads and exports of a range, as it prints and writes it. */
const printed = async (
  pipeline: Pipeline,
  environment: Readonly<Record<string, string>>,
  granularity: string,
  start = '',
  end = '',
): Promise<string> => {
  const directory = await mkdtemp(join(tmpdir(), 'other-time-zone-'));
  try {
    const run = async (...args: readonly string[]): Promise<string> => {
      const its = { ...pipeline.environment, PROVIDER_SUBSCRIPTION_ID: PROVIDER, ...environment };
      const { code, stdout, stderr } = await usagectl(args, { ...its, XDG_CONFIG_HOME: directory });
      expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
      return stdout;
    };
    const file = join(directory, 'export.csv');
    const spanned = ['--granularity', granularity];
    await run(
      'export',
      '--from',
      start,
      '--to',
      end,
      ...spanned,
      '--layout',
      'azure-stack',
      '--output',
      file,
    );
    const range = ['--reported-start', start, '--reported-end', end, ...spanned];
    return (
      (await run('usage', 'get', ...range, '--output', 'csv')) + (await readFile(file, 'utf8'))
    );
  } finally {
    await rm(directory, { recursive: true });
  }
};

test('services in a zone that moves its clocks by half an hour give the bytes of UTC', async () => {
  const inUtc = await answersIn('UTC');
  const inZone = await answersIn(ZONE);
  expect(inZone).toEqual(inUtc);
  const pages = inUtc.slice(0, DAYS.length * 50);
  const rows = pages.map((body) => (JSON.parse(body) as { value: unknown[] }).value.length);
  expect(inUtc).toHaveLength(DAYS.length * 52);
  expect(Math.min(...rows)).toBeGreaterThan(0);
});

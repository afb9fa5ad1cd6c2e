import { spawn, type ChildProcess } from 'node:child_process';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { join } from 'node:path';
import { quantities } from '../../services/provider-sdk/index.ts';
import { queryRows } from '../../services/shared/clickhouse/client.ts';
import { quantityFromText } from '../../services/shared/clickhouse/values.ts';
import { parseQuantity, ZERO } from '../../services/shared/model/decimal.ts';
import { HOUR_MILLIS, isoText, millis } from '../../services/shared/model/time.ts';
import { parseTime } from '../../services/shared/model/time-text.ts';
import { inRepository } from '../../services/shared/process/repository.ts';
import { Pipeline } from '../support/pipeline.ts';
import { OutsideProject } from '../support/provider-sdk/outside-project.ts';
import { waitFor } from '../support/wait-for.ts';

/** samples/provider, in a directory of its own, with the packed SDK, against a real broker. */
const PERIOD = 60_000;
const PERIODS_BEFORE = 150;
const VAULT = (name: string) =>
  `/subscriptions/1d6c4363-3a9b-4cb6-8e6c-fc2e9ec74ca4/resourceGroups/rg/providers/Contoso.Backup/vaults/${name}`;

let pipeline: Pipeline;
let project: OutsideProject;
let state: string;

beforeAll(async () => {
  [pipeline, project] = await Promise.all([
    Pipeline.open(HOUR_MILLIS, [{ name: 'backup', namespaces: ['contoso.backup'], partitions: 2 }]),
    OutsideProject.open(),
  ]);
  state = join(project.directory, 'state');
  await cp(inRepository('samples/provider'), project.directory, { recursive: true });
  expect(await project.compile()).toBe('');
  await pipeline.startAggregator();
});

afterAll(async () => {
  await pipeline.close();
  await project.close();
});

const start = async (more: Readonly<Record<string, string>> = {}): Promise<ChildProcess> => {
  const { topic } = await pipeline.onlySource();
  return spawn(process.execPath, [join(project.directory, 'out/main.js')], {
    cwd: project.directory,
    env: {
      PATH: process.env['PATH'] ?? '',
      KAFKA_BROKERS: pipeline.stack.config.KAFKA_BROKERS.join(','),
      USAGE_TOPIC: topic,
      REPORT_SECONDS: String(PERIOD / 1_000),
      ...more,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
};

/** How it ended, and what it said. */
const ended = async (provider: ChildProcess): Promise<{ code: number | null; said: string }> => {
  let said = '';
  provider.stderr?.on('data', (chunk: Buffer) => {
    said += chunk.toString('utf8');
  });
  await once(provider, 'close');
  return { code: provider.exitCode, said };
};

const through = async (): Promise<number> => {
  const [time = ''] = (await readFile(join(state, 'reported-through'), 'utf8')).split(' ');
  const parsed = parseTime(time);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value.instant;
};

test('it reports everything once, although it is killed twice, and ends in order', async () => {
  const begin = Math.floor(Date.now() / PERIOD) * PERIOD - PERIODS_BEFORE * PERIOD;
  const grows = begin + 70 * PERIOD + 12_345;
  await mkdir(state, { recursive: true });
  await writeFile(
    join(state, 'reported-through'),
    `${isoText(millis(begin))} every ${String(PERIOD / 1_000)} s\n`,
  );
  const first = { from: '2026-01-01T00:00:00Z', bytes: 123_456_789 };
  await writeFile(
    join(project.directory, 'vaults.json'),
    JSON.stringify([
      { resourceUri: VAULT('steady'), location: 'local', held: [first] },
      {
        resourceUri: VAULT('grows'),
        location: 'local',
        held: [first, { from: isoText(millis(grows)), bytes: 987_654_321 }],
      },
      { resourceUri: VAULT('empty'), location: 'local', held: [{ ...first, bytes: 0 }] },
    ]),
  );
  for (const kills of [1, 2]) {
    const provider = await start();
    const closed = ended(provider);
    await waitFor(
      'it has reported something',
      async () => (await through()) >= begin + kills * 20 * PERIOD,
    );
    provider.kill('SIGKILL');
    await closed;
  }
  const provider = await start();
  const closed = ended(provider);
  await waitFor(
    'it has caught up',
    async () => (await through()) >= begin + PERIODS_BEFORE * PERIOD,
  );
  provider.kill('SIGTERM');
  expect(await closed).toEqual({ code: 0, said: '' });
  const end = await through();
  await pipeline.settled();
  const rows = await queryRows<{ resource: string; total: string }>(
    pipeline.stack.clickHouse,
    `SELECT resource_uri AS resource, toString(sum(quantity)) AS total
     FROM usage_events FINAL GROUP BY resource_uri ORDER BY resource_uri`,
  );
  const grown = [
    quantities.gibHours(first.bytes, begin, grows),
    quantities.gibHours(987_654_321, grows, end),
  ].reduce((sum, text) => sum + (parseQuantity(text) ?? ZERO), 0n);
  expect(rows.map(({ resource, total }) => [resource, quantityFromText(total)])).toEqual([
    [VAULT('grows'), grown],
    [VAULT('steady'), parseQuantity(quantities.gibHours(first.bytes, begin, end))],
  ]);
  expect(await queryRows(pipeline.stack.clickHouse, 'SELECT code FROM dead_letters')).toEqual([]);
});

test('other periods than before are refused, since they could count twice', async () => {
  const { code, said } = await ended(await start({ REPORT_SECONDS: '300' }));
  expect({ code, said }).toEqual({
    code: 1,
    said: 'Usage is reported every 60 s so far: keep REPORT_SECONDS as it was\n',
  });
});

import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { writeNetrc } from '../../services/development/local/stack-environment.ts';
import { HttpGet } from '../../services/shared/usage-client/http-get.ts';
import { inRepository } from '../../services/shared/process/repository.ts';
import { END_WITH_PARENT } from '../../services/development/local/child-process.ts';
import { openTestStack, type TestStack } from '../support/test-stack.ts';
import { waitFor } from '../support/wait-for.ts';

const PROVIDER = '39c82aed-b2b7-4a66-abdb-611de00bf11e';

let stack: TestStack;
let directory: string;
let environment: Readonly<Record<string, string>>;
let running: ChildProcess;
let printed = '';

/** `npm start` on the servers that all tests share, with a database, topics and ports of its own. */
const start = (...args: readonly string[]): ChildProcess => {
  const child = spawn(
    process.execPath,
    [END_WITH_PARENT, 'services/development/local/start.mjs', ...args],
    {
      env: { ...process.env, NODE_OPTIONS: '', ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      printed += chunk.toString('utf8');
    });
  }
  return child;
};

const exitCode = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve) => child.once('exit', resolve));

beforeAll(async () => {
  stack = await openTestStack();
  directory = await mkdtemp(join(tmpdir(), 'usage-first-run-'));
  environment = {
    ...stack.environment,
    USAGE_LOCAL_DIR: directory,
    PORT_BASE: '0',
  };
  running = start();
  await waitFor(
    'the summary is printed',
    () => Promise.resolve(printed.includes('Ctrl-C stops it')),
    600,
  );
});

afterAll(async () => {
  if (running.exitCode === null) {
    running.kill('SIGTERM');
    await exitCode(running);
  }
  await rm(directory, { recursive: true, force: true });
  await stack.close();
});

test('the summary says that everything adds up, and where to look', async () => {
  expect(printed).toContain('Everything adds up');
  expect(printed).toMatch(/Compared +[\d,]+ resources, meters and hours: 0 differences/);
  expect(printed).not.toContain('DOES NOT ADD UP');
  expect(printed).toMatch(
    /Contoso Cloud, region northwest +[\da-f-]{36} +2019-12 +\d+ +USD [\d,]+\.\d\d/,
  );
  expect(printed).toContain(`Bill          ${(await left())['COMMERCE_URL'] ?? '?'}/portal\n`);
});

/** What `npm start` has left for others. */
const left = async (): Promise<Readonly<Record<string, string | undefined>>> =>
  parseEnv(await readFile(join(directory, 'stack.env'), 'utf8'));

const usage = async (query: string): Promise<{ value: object[]; nextLink?: string }> => {
  const url = `${(await left())['USAGE_API_URL'] ?? ''}/subscriptions/${PROVIDER}/providers/Microsoft.Commerce.Admin/subscriberUsageAggregates?${query}&api-version=2015-06-01-preview`;
  const { usagectl } = await import('../support/service-process.ts');
  const token = await usagectl(['token'], { USAGE_LOCAL_DIR: directory });
  const at = new URL(url);
  const client = new HttpGet(at, await readFile(join(directory, 'tls/ca.pem'), 'utf8'));
  const answer = await client.get(
    `${at.pathname}${at.search}`,
    { authorization: `Bearer ${token.stdout.trim()}` },
    { timeoutMillis: 60_000, signal: new AbortController().signal },
  );
  client.close();
  if (!answer.ok) throw new Error(answer.error.message);
  expect(answer.value.status).toBe(200);
  return JSON.parse(answer.value.body) as { value: object[] };
};

const byText = (a: object, b: object): number => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);

test('the usage API returns the 79 recorded rows, each equal to the recording', async () => {
  const { value } = JSON.parse(await readFile('samples/recorded-usage.json', 'utf8')) as {
    value: object[];
  };
  const answer = await usage(
    'reportedStartTime=2019-12-10T19:00:00Z&reportedEndTime=2019-12-10T20:00:00Z&aggregationGranularity=Hourly',
  );
  expect(answer.value).toHaveLength(79);
  expect(answer.value.sort(byText)).toEqual([...value].sort(byText));
  expect(answer.nextLink).toBeUndefined();
});

/** The queries of the README, with the output that stands under each. */
const documented = async (): Promise<readonly { query: string; output: string }[]> => {
  const text = await readFile('README.md', 'utf8');
  const queries = text.slice(text.indexOf('## Three queries'));
  return [...queries.matchAll(/```(?:sql|sh)\n([^`]*)```[^`]*```\n([^`]*)```/g)].map(
    ([, block = '', output = '']) => ({
      query: block.replace(/^curl.*\n/, '').replace(/^(SQL|FORMAT.*)\n/gm, ''),
      output,
    }),
  );
};

test("the README's queries give the output that it shows", async () => {
  const found = await documented();
  expect(found).toHaveLength(3);
  for (const { query, output } of found) {
    const result = await stack.clickHouse.exec({ query: `${query} FORMAT PrettyCompactMonoBlock` });
    let text = '';
    for await (const chunk of result.stream) text += String(chunk);
    expect(text.trimEnd()).toBe(output.trimEnd());
  }
});

/** The fenced blocks of a page in one of these languages, in their order. */
const blocksOf = async (page: string, language: 'sh' | 'sql'): Promise<readonly string[]> => {
  const text = await readFile(page, 'utf8');
  return [...text.matchAll(new RegExp(`^( *)\`\`\`${language}\\n([^]*?)^\\1\`\`\`$`, 'gm'))].map(
    ([, indent = '', block = '']) => block.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  );
};

/** A block of the page, for the addresses and names of this stack. */
const forThisStack = async (block: string): Promise<string> => {
  const its = await left();
  const replaced: readonly (readonly [string, string | undefined])[] = [
    ['npx usagectl', `'${process.execPath}' '${inRepository('services/cli/bin/usagectl.mjs')}'`],
    ['samples/', `${inRepository('samples')}/`],
    ['.local/netrc', 'netrc'],
    ['https://127.0.0.1:8080', its['USAGE_API_URL']],
    ['.local/tls/', 'tls/'],
    ['http://127.0.0.1:8123', its['CLICKHOUSE_URL']],
    ['http://127.0.0.1:9400', its['AGGREGATOR_HEALTH_URL']],
    ['database=usage', `database=${its['CLICKHOUSE_DATABASE'] ?? ''}`],
  ];
  return replaced.reduce((text, [from, to = '']) => text.replaceAll(from, to), block);
};

test("how-to's queries give rows, and its commands end with 0", async () => {
  for (const query of await blocksOf('docs/how-to.md', 'sql')) {
    const result = await stack.clickHouse.query({ query, format: 'JSONEachRow' });
    expect({ query, rows: await result.json() }).not.toEqual({ query, rows: [] });
  }
  const { CLICKHOUSE_USER: user = '', CLICKHOUSE_PASSWORD: password = '' } = await left();
  await writeFile(
    join(directory, 'netrc'),
    `machine 127.0.0.1 login ${user} password ${password}\n`,
    { mode: 0o600 },
  );
  for (const block of await blocksOf('docs/how-to.md', 'sh')) {
    const { status, stdout, stderr } = spawnSync('bash', ['-e', '-c', await forThisStack(block)], {
      cwd: directory,
      env: { ...process.env, NODE_OPTIONS: '', USAGE_LOCAL_DIR: directory },
      encoding: 'utf8',
    });
    // The recording is of one hour of its month.
    const unexpected = stderr.replace(/^usagectl: No source answers for 2019-12-01T.*\n$/, '');
    expect({ block, status, stdout, unexpected }).toMatchObject({ status: 0, unexpected: '' });
  }
  const lines = async (file: string): Promise<number> =>
    (await readFile(join(directory, file), 'utf8')).trimEnd().split('\n').length;
  expect([await lines('usage.jsonl'), await lines('december.csv')]).toEqual([79, 80]);
});

test("the README's lines for curl and usagectl work as they stand, but for the addresses of this stack", async () => {
  const { CLICKHOUSE_USER = '', CLICKHOUSE_PASSWORD = '' } = await left();
  await writeNetrc(directory, { CLICKHOUSE_USER, CLICKHOUSE_PASSWORD });
  const blocks = (await blocksOf('README.md', 'sh')).filter((block) =>
    /^(curl|npx usagectl) /.test(block),
  );
  const printed: string[] = [];
  for (const block of blocks) {
    const line = (await forThisStack(block)).replace(/^curl /, 'curl --fail-with-body -sS ');
    const { status, stdout, stderr } = spawnSync('bash', ['-e', '-c', line], {
      cwd: directory,
      env: { ...process.env, NODE_OPTIONS: '', USAGE_LOCAL_DIR: directory },
      encoding: 'utf8',
    });
    expect({ block, status, stdout, stderr }).toMatchObject({ status: 0, stderr: '' });
    if (block.startsWith('curl')) printed.push(stdout);
  }
  const [api = '', query = '', ...others] = printed;
  expect(others).toEqual([]);
  expect((JSON.parse(api) as { value: object[] }).value).toHaveLength(79);
  const [first] = await documented();
  expect(query.trimEnd()).toBe(first?.output.trimEnd());
});

test('the directory has the subscriptions of the sample file, of the recording and of the simulated cloud', async () => {
  const { usagectl } = await import('../support/service-process.ts');
  const { stdout } = await usagectl(['subscriptions', 'list', '--json'], {
    USAGE_LOCAL_DIR: directory,
  });
  const names = (JSON.parse(stdout) as { provider: string; displayName: string }[]).map(
    ({ provider, displayName }) =>
      provider === PROVIDER ? displayName.replace(/\d+$/, 'n') : 'another provider',
  );
  const count = (name: string): number => names.filter((each) => each === name).length;
  expect([count('another provider'), count(''), count('Simulated tenant n')]).toEqual([16, 63, 3]);
});

/** A resource has no usage before its first report has been counted. */
const AWAIT_USAGE =
  'until npx usagectl event --resource web-1 --meter "Windows VM Size Hours" > /dev/null 2>&1; do sleep 1; done';

test('the walk through the simulated cloud works as it stands: a machine is created, metered and deleted', async () => {
  const [make = '', create = '', ...others] = await blocksOf('docs/simulated-cloud.md', 'sh');
  const script = await forThisStack([make, create, AWAIT_USAGE, ...others].join('\n'));
  const { status, stdout, stderr } = spawnSync('bash', ['-e', '-c', script], {
    cwd: directory,
    env: { ...process.env, NODE_OPTIONS: '', USAGE_LOCAL_DIR: directory },
    encoding: 'utf8',
  });
  expect({ status, stdout, stderr }).toMatchObject({ status: 0, stderr: '' });
  expect(stdout).toContain('Created the vm web-1 (Standard_F2s, windows)');
  expect(stdout).toMatch(/vm +web-1 +deallocated +Standard_F2s +windows/);
  expect(stdout).toContain('Windows VM Size Hours');
  expect(stdout).toContain('Deleted the disk web-1_OsDisk_1');
});

test('usagectl finds the running stack on whatever ports, every service ready and no partition with lag', async () => {
  const { usagectl } = await import('../support/service-process.ts');
  const { services, partitions } = await waitFor('every service says it is ready', async () => {
    // A busy machine may keep one of them from answering in time.
    const { code, stdout, stderr } = await usagectl(['status', '--json'], {
      USAGE_LOCAL_DIR: directory,
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const status = JSON.parse(stdout) as {
      services: { name: string; state: string }[];
      partitions: { state: string; lag: number }[];
    };
    return status.services.every(({ state }) => state === 'ready') && status;
  });
  expect(services.map(({ name }) => name)).toEqual([
    'aggregator',
    'bridge',
    'usage-api',
    'commerce',
    'provider-compute',
    'provider-storage',
    'provider-network',
    'provider-platform',
  ]);
  expect(partitions.filter(({ state }) => state === 'sealed')).toHaveLength(3);
  expect(partitions.every(({ state, lag }) => state === 'open' || lag === 0)).toBe(true);
});

test('a second start on the same data adds nothing and ends with 0', async () => {
  running.kill('SIGTERM');
  expect(await exitCode(running)).toBe(0);
  printed = '';
  const code = await exitCode(start('--exit-when-done'));
  expect({ code, printed }).toEqual({ code: 0, printed });
  expect(printed).toContain('recorded-usage.json is already imported');
  expect(printed).toContain('This simulation is already imported');
  expect(printed).toContain('Everything adds up');
  // It has ended: there is nowhere to look any more.
  expect(printed).not.toContain('Usage API');
});

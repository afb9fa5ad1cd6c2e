import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { openLiveSources } from '../../services/operations/sources/live-sources.ts';
import { inRepository } from '../../services/shared/process/repository.ts';
import { openBillingStack, type BillingStack } from '../support/bridge/billing-stack.ts';
import { startService, usagectl, type ServiceProcess } from '../support/service-process.ts';
import { waitFor } from '../support/wait-for.ts';

/** Hours of ten seconds, so that the bill comes while the test runs. */
const HOUR = { USAGE_HOUR_MILLIS: '10000' };

const WINDOWS_CORES = '9cd92d4c-bafd-4492-b278-bedc2de8232a';
const MACHINE_HOURS = '6dab500f-a4fd-49c4-956d-229bb9c8c793';

let stack: BillingStack;
let providers: ServiceProcess;
let environment: Readonly<Record<string, string>>;

const startProviders = async (): Promise<void> => {
  providers = await startService('providers', {
    ...stack.environment,
    USAGE_API_SIGN_IN: 'off',
    CLOUD_SUBSCRIPTIONS: '1',
    CLOUD_REPORTS_PER_HOUR: '5',
  });
  const door = await providers.address('health');
  environment = {
    ...stack.environment,
    ...HOUR,
    COMMERCE_URL: stack.commerceUrl,
    COMPUTE_PROVIDER_URL: `${door}/compute`,
    STORAGE_PROVIDER_URL: `${door}/storage`,
    NETWORK_PROVIDER_URL: `${door}/network`,
    PLATFORM_PROVIDER_URL: `${door}/platform`,
  };
};

beforeAll(async () => {
  stack = await openBillingStack();
  await openLiveSources(
    stack.tools,
    [
      { name: 'compute', namespaces: ['microsoft.compute'], partitions: 2 },
      { name: 'storage', namespaces: ['microsoft.storage'], partitions: 1 },
      { name: 'network', namespaces: ['microsoft.network'], partitions: 1 },
      { name: 'platform', namespaces: ['microsoft.keyvault', 'microsoft.web'], partitions: 1 },
    ],
    { prefix: stack.config.USAGE_TOPIC_PREFIX, hourMillis: 10_000, now: Date.now },
  );
  await stack.startCommerce(HOUR);
  await Promise.all([stack.startAggregator(HOUR), stack.startBridge(HOUR)]);
  await startProviders();
});

afterAll(async () => {
  await providers.kill();
  await stack.close();
});

/** What a command prints that must succeed. */
const run = async (...args: readonly string[]): Promise<string> => {
  const { code, stdout, stderr } = await usagectl(args, environment);
  expect({ args, code, stderr }).toEqual({ args, code: 0, stderr: '' });
  return stdout;
};

/** What a command says that is refused. */
const refused = async (...args: readonly string[]): Promise<string> => {
  const { code, stderr } = await usagectl(args, environment);
  expect({ args, code }).toEqual({ args, code: 1 });
  return stderr;
};

const newSubscription = async (name: string): Promise<string> => {
  const added = await run('subscriptions', 'add', '--name', name);
  const [, id] = /^Subscription ([\da-f-]{36}) is added: active/.exec(added) ?? [];
  if (id === undefined) throw new Error(added);
  return id;
};

const stateOf = async (subscription: string): Promise<Readonly<Record<string, string>>> => {
  const listed = JSON.parse(
    await run('resources', 'list', '--subscription', subscription, '--json'),
  ) as { resourceUri: string; state: string; size: string }[];
  return Object.fromEntries(
    listed.map(({ resourceUri, state, size }) => [
      resourceUri.split('/').at(-1) ?? '',
      `${state} ${size}`,
    ]),
  );
};

/** The meters under which an open hour has usage of a machine. */
const metersOf = async (subscription: string, name: string): Promise<readonly string[]> => {
  const rows = (
    await run(
      ...['usage', 'get', '--provisional', '--granularity', 'hourly', '--output', 'ndjson'],
      ...['--subscriber', subscription],
    )
  )
    .trim()
    .split('\n')
    .filter((line) => line !== '');
  return [
    ...new Set(
      rows
        .filter((line) => line.includes(`/${name}`))
        .flatMap((line) =>
          [WINDOWS_CORES, MACHINE_HOURS].filter((meter) => line.toLowerCase().includes(meter)),
        ),
    ),
  ].sort();
};

test('a machine is created, its usage arrives, it is billed, and it is gone again', async () => {
  const subscription = await newSubscription('Walker');
  const created = await run(
    ...['resources', 'create', 'vm', '--subscription', subscription],
    ...['--size', 'standard_f2s', '--os', 'windows', '--name', 'web-1'],
  );
  expect(created).toMatch(
    /^Created the vm web-1 \(Standard_F2s, windows\), with the disk web-1_OsDisk_1 \(S10\)\.\n/,
  );
  expect(created).toContain(`--subscriber ${subscription} --watch`);
  expect(created).toMatch(/That hour closes at \S+Z\. Then it is billed:\n {2}npx usagectl event/);
  expect(await stateOf(subscription)).toEqual({
    'web-1': 'running Standard_F2s',
    'web-1_OsDisk_1': 'running S10',
  });
  await waitFor('its usage arrives', async () => {
    const meters = await metersOf(subscription, 'web-1');
    return meters.length === 2;
  });
  const billed = await waitFor('it is billed', async () => {
    const traced = await usagectl(['event', '--resource', 'web-1', '--json'], environment);
    return traced.code === 0 && traced.stdout.includes('"accepted"') && traced.stdout;
  });
  expect(billed.toLowerCase()).toContain(WINDOWS_CORES);

  expect(await run('resources', 'stop', 'web-1')).toMatch(/The change counts from \S+Z on\.\n$/);
  await run('resources', 'deallocate', 'web-1');
  await run('resources', 'resize', 'web-1', '--size', 'Standard_F4s');
  await run('resources', 'delete', 'web-1_OsDisk_1');
  const after = { 'web-1': 'deallocated Standard_F4s' };
  await waitFor(
    'the disk is gone',
    async () => !('web-1_OsDisk_1' in (await stateOf(subscription))),
  );
  expect(await stateOf(subscription)).toEqual(after);

  await providers.kill();
  await startProviders();
  expect(await stateOf(subscription)).toEqual(after);
  const again = await refused('resources', 'stop', 'web-1');
  expect(again).toMatch(/Cannot stop .*web-1: it is deallocated already/);
});

test('what cannot be created is refused, with what there is', async () => {
  const subscription = await newSubscription('Refuser');
  const create = ['resources', 'create', 'vm', '--subscription'];
  const nobody = randomUUID();
  expect(await refused(...create, nobody)).toContain(
    `The directory has no subscription ${nobody}: make it with "npx usagectl subscriptions add ${nobody}"`,
  );
  expect(await refused(...create, subscription, '--size', 'Huge')).toMatch(
    /There is no size "Huge" of a vm\. There are: .*Standard_F2s/,
  );
  expect(await refused('resources', 'stop', 'nothing-1')).toContain(
    'There is no resource "nothing-1": "usagectl resources list" shows those that are there',
  );
  await run('subscriptions', 'remove', subscription);
  expect(await refused(...create, subscription)).toContain(
    `The subscription ${subscription} is deleted`,
  );
});

test('without a provider, the command says what runs it', async () => {
  const away = { ...environment, COMPUTE_PROVIDER_URL: 'http://127.0.0.1:9/compute' };
  const { code, stderr } = await usagectl(['resources', 'list'], away);
  expect(code).toBe(1);
  expect(stderr).toContain(
    'The compute provider cannot be reached at http://127.0.0.1:9: "npm start" runs it',
  );
});

test('usage is shown again and again with --watch', async () => {
  const watching = spawn(
    process.execPath,
    [
      inRepository('services/cli/bin/usagectl.mjs'),
      'usage',
      'get',
      '--provisional',
      '--watch',
      '1',
    ],
    {
      env: { ...process.env, NODE_OPTIONS: '', ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let printed = '';
  for (const stream of [watching.stdout, watching.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      printed += chunk.toString('utf8');
    });
  }
  try {
    await waitFor('it has shown two tables', () =>
      Promise.resolve(printed.split('again every 1 s').length > 2),
    );
  } finally {
    watching.kill('SIGINT');
  }
  expect(printed).not.toContain('usagectl:');
});

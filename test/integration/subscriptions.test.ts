import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { simulatedSubscriptions } from '../../services/development/simulated-cloud/subscriptions.ts';
import { addMissingSubscriptions } from '../../services/operations/subscriptions/change-directory.ts';
import { readDirectory } from '../../services/shared/directory/directory-table.ts';
import { usagectl } from '../support/service-process.ts';
import { openTestStack, type TestStack } from '../support/test-stack.ts';

const PROVIDER = '39c82aed-b2b7-4a66-abdb-611de00bf11e';
const OTHER = '5816b1a6-ee2e-4590-8dff-a6a1e0de9ef6';
const ID = '1d6c4363-3a9b-4cb6-8e6c-fc2e9ec74ca4';
const HOW = { origin: 'test', defaultProvider: PROVIDER };
const SAMPLE = 'samples/azurestack-user-subscriptions.json';

let stack: TestStack;
let directory: string;

beforeAll(async () => {
  stack = await openTestStack();
  directory = await mkdtemp(join(tmpdir(), 'usage-subscriptions-'));
});

afterAll(async () => {
  await stack.close();
  await rm(directory, { recursive: true });
});

const run = (...args: readonly string[]) =>
  usagectl(['--actor', 'olga', 'subscriptions', ...args], {
    ...stack.environment,
    USAGE_LOCAL_DIR: directory,
  });

const listed = async (...args: readonly string[]): Promise<readonly Record<string, string>[]> => {
  const { code, stdout, stderr } = await run('list', '--json', ...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as readonly Record<string, string>[];
};

test('a file is imported once, and a second time changes nothing', async () => {
  expect((await run('list')).stdout).toContain('The directory is empty');
  expect((await run('import', SAMPLE)).stdout).toContain('16 subscriptions added, 0 changed');
  expect((await run('import', SAMPLE)).stdout).toContain('0 changed, 16 unchanged');
  expect(await listed('--provider', OTHER)).toHaveLength(16);
  expect(await listed('--provider', PROVIDER)).toEqual([]);
});

test('one subscription is added, changed and removed, and each change is recorded', async () => {
  const added = await run('add', ID.toUpperCase(), '--name', 'Contoso');
  expect(added.stdout).toBe(
    `Subscription ${ID} is added: active, a direct tenant of ${PROVIDER}.\n`,
  );
  await run('add', ID, '--state', 'suspended', '--customer', OTHER);
  const [entry] = await listed('--state', 'suspended');
  expect(entry).toEqual({
    id: ID,
    provider: PROVIDER,
    state: 'suspended',
    displayName: 'Contoso',
    offer: '',
    customer: OTHER,
  });
  expect((await run('add', ID)).stdout).toContain('is unchanged');
  expect((await run('remove', ID)).stdout).toContain('is deleted. Its usage is still returned');
  expect((await run('remove', ID)).stdout).toContain('was deleted before');
  expect(await listed('--state', 'deleted')).toEqual([{ ...entry, state: 'deleted' }]);
  const history = await usagectl(
    ['history', '--json', '--kind', 'subscriptions-changed'],
    stack.environment,
  );
  const { changes } = JSON.parse(history.stdout) as {
    changes: readonly { actor: string; subject: string }[];
  };
  expect(changes.map(({ actor, subject }) => [actor, subject])).toEqual([
    ['olga', '16 subscriptions'],
    ['olga', ID],
    ['olga', ID],
    ['olga', ID],
  ]);
});

test('a subscription that was added as its own provider was hidden from the operator', async () => {
  expect(await run('add', ID, '--provider', ID, '--state', 'active')).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/cannot be its own provider: .* Nothing was changed\./) as string,
  });
  expect(await listed('--provider', ID)).toEqual([]);
});

test('ring-of-providers: subscriptions that belong to one another were hidden from the operator', async () => {
  const [x, y, z] = [1, 2, 3].map((n) => `77777777-0000-4000-8000-00000000000${String(n)}`) as [
    string,
    string,
    string,
  ];
  const row = (subscriptionId: string, delegatedProviderSubscriptionId: string) => ({
    subscriptionId,
    delegatedProviderSubscriptionId,
    state: 'Enabled',
  });
  const file = join(directory, 'ring.json');
  await writeFile(file, JSON.stringify({ value: [row(x, y), row(y, z), row(z, x)] }));
  expect(await run('import', file)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(
      `in a ring: ${x} belongs to ${y}, ${y} belongs to ${z}, ${z} belongs to ${x}.`,
    ) as string,
  });
  await writeFile(file, JSON.stringify({ value: [row(x, y), row(y, z)] }));
  expect(await run('import', file)).toMatchObject({ code: 0 });
  expect(await run('add', z, '--provider', x)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('in a ring') as string,
  });
  // A deleted provider holds nobody, until it comes back.
  await run('remove', y);
  expect(await run('add', z, '--provider', x)).toMatchObject({ code: 0 });
  expect(await run('add', y, '--state', 'active')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('in a ring') as string,
  });
  expect(await listed('--provider', z)).toMatchObject([{ id: y, state: 'deleted' }]);
});

test('what a person has changed stays when a simulation adds its subscriptions again', async () => {
  const cloud = simulatedSubscriptions({ seed: 1, subscriptions: 3 }, PROVIDER);
  const { clickHouse } = stack;
  expect(await addMissingSubscriptions(clickHouse, cloud, HOW)).toMatchObject({ added: 3 });
  const id = cloud[0]?.id ?? '';
  await run('remove', id);
  expect(await addMissingSubscriptions(clickHouse, cloud, HOW)).toEqual({
    added: 0,
    changed: 0,
    unchanged: 3,
  });
  expect((await readDirectory(clickHouse)).find((each) => each.id === id)?.state).toBe('deleted');
});

test.each([
  [['remove', OTHER], `The directory has no subscription ${OTHER}`],
  [['add', 'x'], 'it must be an id in the form of a GUID'],
  [['add', ID, '--state', 'gone'], 'Allowed choices are active, suspended, deleted'],
  [['add', ID, '--name', 'x'.repeat(1025)], 'it must have at most 1024 characters'],
  [['import', 'no-such-file'], 'no-such-file cannot be read'],
])('what cannot be done is refused in words: %j', async (args, problem) => {
  const { code, stderr } = await run(...args);
  expect(code).toBe(1);
  expect(stderr).toContain(problem);
});

test('a wrong row refuses the whole file', async () => {
  const file = join(directory, 'wrong.json');
  const row = {
    subscriptionId: PROVIDER,
    delegatedProviderSubscriptionId: OTHER,
    state: 'Enabled',
  };
  await writeFile(file, JSON.stringify({ value: [row, { ...row, subscriptionId: 'x' }] }));
  const { code, stderr } = await run('import', file);
  expect(code).toBe(1);
  expect(stderr).toContain('wrong.json cannot be imported: subscription 2: subscriptionId: ');
  expect((await listed()).map(({ id }) => id)).not.toContain(PROVIDER);
});

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { queryRows } from '../../services/shared/clickhouse/client.ts';
import { readMeterCatalog } from '../../services/shared/meters/meter-catalog.ts';
import { HOUR_MILLIS, hourOf, isoText, millis } from '../../services/shared/model/time.ts';
import { Pipeline } from '../support/pipeline.ts';
import { usagectl } from '../support/service-process.ts';

const SUBSCRIPTION = '0f723db3-b972-4e48-9aaa-614b04457bf2';
const METER = 'Base VM Size Hours';

let pipeline: Pipeline;
let directory: string;

const machine = (name: string): string =>
  `/subscriptions/${SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/${name}`;

const run = (args: readonly string[], input = '') =>
  usagectl(['emit', ...args], pipeline.environment, input);

const one = (name: string, ...more: readonly string[]): readonly string[] => [
  ...['--resource', machine(name), '--meter', METER, ...more],
];

interface Printed {
  readonly sent: boolean;
  readonly assumed: string | null;
  readonly events: readonly {
    readonly line: number | null;
    readonly eventId: string;
    readonly topic: string;
    readonly partition: number;
    readonly offset: number | null;
    readonly usageStartTime: string;
    readonly quantity: string;
  }[];
  readonly notes: readonly { readonly kind: string; readonly text: string }[];
}

const json = async (args: readonly string[], input = ''): Promise<Printed> => {
  const { code, stdout, stderr } = await run([...args, '--json'], input);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as Printed;
};

/** The number of records in all live topics. */
const records = async (): Promise<number> => {
  let count = 0;
  for (const { topic } of await pipeline.sources()) {
    for (const { high } of await pipeline.tools.admin.offsets(topic)) count += high;
  }
  return count;
};

const refused = async (args: readonly string[], input = ''): Promise<string> => {
  const before = await records();
  const { code, stdout, stderr } = await run(args, input);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(await records()).toBe(before);
  return stderr;
};

/** What the ledger has of a resource. */
const ledgerOf = (name: string) =>
  queryRows<{ id: string; place: string; quantity: string }>(
    pipeline.stack.clickHouse,
    `SELECT toString(e.event_id) AS id, concat(topic, '/', toString(partition), '/', toString(e.offset)) AS place,
       toString(e.quantity) AS quantity
     FROM usage_events AS e FINAL WHERE resource_uri = {uri:String} ORDER BY e.usage_start, e.quantity`,
    { uri: machine(name) },
  );

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'emit-'));
  pipeline = await Pipeline.open(HOUR_MILLIS);
  await pipeline.startAggregator();
});

afterAll(async () => {
  await pipeline.close();
  await rm(directory, { recursive: true, force: true });
});

test('one usage is counted where the command says, and the command names where to look', async () => {
  const { code, stdout, stderr } = await run(one('vm1', '--quantity', '4', '--tag', 'env=test'));
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toContain('the last full hour');
  expect(stdout).toContain('4 Virtual core hours');
  expect(stdout).toContain(`usagectl subscriptions add ${SUBSCRIPTION}`);
  await pipeline.settled();
  const [event] = await ledgerOf('vm1');
  expect(event?.quantity).toBe('4');
  expect(stdout).toContain(event?.id);
  expect(stdout).toContain(event?.place);
  const shown = await pipeline.usagectl('event', event?.id ?? '');
  expect({ code: shown.code, stderr: shown.stderr }).toEqual({ code: 0, stderr: '' });
});

test('the same again counts once, and is said to have been counted', async () => {
  const { notes, events } = await json(one('vm1', '--quantity', '4.0', '--tag', 'env=test'));
  expect(notes.map(({ kind }) => kind)).toEqual(['unknown-subscription', 'accepted-before']);
  expect(events).toHaveLength(1);
  await pipeline.settled();
  expect(await ledgerOf('vm1')).toHaveLength(1);
});

test('other usage of the same time is refused before it is sent, and accepted with a discriminator', async () => {
  const args = one('vm1', '--quantity', '5', '--tag', 'env=test');
  const said = await refused(args);
  expect(said).toContain('would be refused as a conflict');
  expect(said).toContain('quantity 4');
  await json([...args, '--discriminator', 'second']);
  await pipeline.settled();
  expect((await ledgerOf('vm1')).map(({ quantity }) => quantity)).toEqual(['4', '5']);
  const { stdout } = await pipeline.usagectl('dlq', 'list');
  expect(stdout).toContain('No open dead letters match.');
});

test('every wrong option is named, and nothing is sent', async () => {
  const said = await refused([
    ...['--resource', machine('x').replace('Compute', 'Quantum'), '--meter', 'Bse VM Size Hours'],
    ...['--quantity', '-1', '--from', '2026-02-30T00:00:00Z', '--tag', 'x'],
  ]);
  for (const option of ['--resource', '--meter', '--quantity', '--from', '--tag']) {
    expect(said).toContain(`  ${option} `);
  }
  expect(said).toContain('Nothing was sent, because of 5 problems');
});

test('a file is checked whole: all problems are named with their lines, and nothing is sent', async () => {
  const line = {
    ...{
      subscriptionId: SUBSCRIPTION,
      resourceUri: machine('f1'),
      meterId: 'm',
      location: 'local',
    },
    ...{ from: '2026-02-03T04:00:00Z', to: '2026-02-03T05:00:00Z', quantity: '1' },
  };
  const path = join(directory, 'wrong.jsonl');
  const lines = [{ ...line, quantity: '1e15' }, '{', { ...line, location: 5, tags: [] }, line];
  await writeFile(
    path,
    lines.map((each) => `${typeof each === 'string' ? each : JSON.stringify(each)}\n`).join(''),
  );
  const said = await refused(['--file', path]);
  expect(said).toMatch(
    /line 1: quantity .*\n.*line 2 is no JSON.*\n.*line 3: location .*\n.*line 3: tags /,
  );
  expect(said).toMatch(/line 4: from is over 45 days ago/);
});

test('JSON lines on standard input become one event for each hour, which add up exactly', async () => {
  const end = hourOf(millis(Date.now()), HOUR_MILLIS);
  const usage = {
    ...{ subscriptionId: SUBSCRIPTION, resourceUri: machine('f2'), location: 'local' },
    meterId: readMeterCatalog().find(({ name }) => name === METER)?.meterId,
    ...{ from: isoText(millis(end - 3 * HOUR_MILLIS)), to: isoText(end), quantity: '1' },
  };
  const { events } = await json(['--file', '-'], `\n${JSON.stringify(usage)}\n`);
  expect(events.map(({ line, quantity }) => [line, quantity])).toEqual([
    [2, '0.333333333333333333333333333333'],
    [2, '0.333333333333333333333333333333'],
    [2, '0.333333333333333333333333333334'],
  ]);
  await pipeline.settled();
  const stored = await ledgerOf('f2');
  expect(stored.map(({ id, place }) => [id, place])).toEqual(
    events.map(({ eventId, topic, partition, offset }) => [
      eventId,
      `${topic}/${String(partition)}/${String(offset)}`,
    ]),
  );
});

test('a meter that no catalog knows is accepted, and what follows is said', async () => {
  const meter = '00000000-1111-2222-3333-444444444444';
  const args = ['--resource', machine('vm2'), '--meter', meter, '--quantity', '1'];
  const { stdout } = await run([...args, '--dry-run']);
  expect(stdout).toContain(`No catalog knows the meter ${meter}`);
  expect(stdout).toContain('the bridge holds it until');
  const { notes } = await json(args);
  expect(notes.map(({ kind }) => kind)).toContain('unknown-meter');
  await pipeline.settled();
  expect(await ledgerOf('vm2')).toHaveLength(1);
});

test('a dry run checks everything and sends nothing', async () => {
  const before = await records();
  const { sent, events } = await json([...one('vm3', '--quantity', '1'), '--dry-run']);
  expect({ sent, offset: events[0]?.offset }).toEqual({ sent: false, offset: null });
  const { stdout } = await run([...one('vm3', '--quantity', '1'), '--dry-run']);
  expect(stdout).toContain('Nothing was sent. 1 event can be:');
  expect(await records()).toBe(before);
});

test.each([
  [[], 'What is emitted?'],
  [['--file', 'x.jsonl', '--quantity', '1'], 'not both'],
  [['--file', '/nowhere/usage.jsonl'], 'cannot be read'],
  [['--file', '-'], 'standard input has no usage'],
])('usagectl emit %j says what to do', async (args, said) => {
  expect(await refused(args)).toContain(said);
});

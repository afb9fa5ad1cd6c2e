import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { readSchemaDirectory } from '../../services/shared/avro/schema-directory.ts';
import { usageEventEncoder } from '../../services/shared/avro/usage-event-codec.ts';
import { frame } from '../../services/shared/avro/wire-format.ts';
import { queryRows } from '../../services/shared/clickhouse/client.ts';
import { parseQuantity, ZERO } from '../../services/shared/model/decimal.ts';
import { partitionOfKey, resourceKey } from '../../services/shared/model/placement.ts';
import { REDRIVE_HEADERS } from '../../services/shared/model/redrive.ts';
import { HOUR_MILLIS, hourOf, millis } from '../../services/shared/model/time.ts';
import { usageEventId, type UsageEvent } from '../../services/shared/model/usage-event.ts';
import { Pipeline } from '../support/pipeline.ts';
import { usagectl } from '../support/service-process.ts';
import { readLog } from '../support/workload/read-log.ts';

const SUBSCRIPTION = '11111111-2222-4333-8444-555555555555';
const encode = usageEventEncoder(readSchemaDirectory());

let pipeline: Pipeline;
let compute: string;
let storage: string;

const eventOf = (provider: string, name: string): UsageEvent => {
  const start = hourOf(millis(Date.now()), HOUR_MILLIS);
  const event = {
    subscriptionId: SUBSCRIPTION,
    meterId: 'FAB6EB84-500B-4A09-A8CA-7358F8BBAEA5',
    resourceUri: `/subscriptions/${SUBSCRIPTION}/resourceGroups/RG/providers/${provider}/things/${name}`,
    usageStartTime: start,
    usageEndTime: millis(start + 1),
    quantity: parseQuantity('1.5') ?? ZERO,
    location: 'local',
    tags: null,
    additionalInfo: null,
  };
  return { eventId: usageEventId(event), ...event };
};

/** A resource that belongs on this partition of a topic with two. */
const eventOn = (partition: number, provider: string, name: string): UsageEvent => {
  for (let n = 0; ; n++) {
    const event = eventOf(provider, `${name}-${String(n)}`);
    if (partitionOfKey(resourceKey(event.resourceUri), 2) === partition) return event;
  }
};

const keyOf = ({ resourceUri }: UsageEvent): string => resourceKey(resourceUri);
const misplaced = eventOn(1, 'Microsoft.Compute', 'misplaced');
const misrouted = eventOn(0, 'Microsoft.Storage', 'misrouted');
const misnamed = eventOn(0, 'Microsoft.Compute', 'misnamed');
const NO_EVENT = Buffer.from('\u001b[2J no event');

beforeAll(async () => {
  pipeline = await Pipeline.open(HOUR_MILLIS);
  const topicOf = async (name: string): Promise<string> =>
    (await pipeline.sources()).find(({ topic }) => topic.endsWith(name))?.topic ?? '';
  compute = await topicOf('.compute');
  storage = await topicOf('.storage');
  // Offset 0 of each partition is its rules record.
  await pipeline.tools.writer.append({ topic: compute, partition: 0 }, [
    { key: keyOf(misplaced), value: encode(misplaced), headers: { trace: 'abc' } },
    { key: keyOf(misrouted), value: encode(misrouted) },
    { key: 'another key', value: encode(misnamed) },
    { key: null, value: NO_EVENT },
    { key: 'k', value: frame(999, encode(misnamed).subarray(5)) },
  ]);
  await pipeline.startAggregator();
  await pipeline.settled();
});

afterAll(async () => {
  await pipeline.close();
});

const ctl = (...args: string[]) =>
  usagectl(['dlq', ...args, '--actor', 'olga'], pipeline.environment);

const json = async <T>(...args: string[]): Promise<T> => {
  const { stdout, stderr, code } = await ctl(...args, '--json');
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as T;
};

interface Listed {
  readonly counts: Readonly<Record<string, number>>;
  readonly letters: readonly { readonly offset: number; readonly disposition: string | null }[];
  readonly next: string | null;
}

const accepted = async (): Promise<readonly string[]> => {
  const rows = await queryRows<{ name: string }>(
    pipeline.stack.clickHouse,
    `SELECT concat(topic, '/', toString(partition), ' ', resource_uri) AS name FROM usage_events FINAL ORDER BY name`,
  );
  return rows.map(({ name }) => name);
};

const duplicates = async (): Promise<number> => {
  const [row] = await queryRows<{ n: string }>(
    pipeline.stack.clickHouse,
    'SELECT toString(sum(duplicate)) AS n FROM checkpoints FINAL',
  );
  return Number(row?.n);
};

test('dead letters are listed by code, filtered, and page by page', async () => {
  const all = await json<Listed>('list');
  expect(all.counts).toEqual({
    malformed: 1,
    'unknown-schema': 1,
    'wrong-key': 1,
    'wrong-partition': 1,
    'wrong-provider': 1,
  });
  expect(all.letters.map(({ offset }) => offset)).toEqual([1, 2, 3, 4, 5]);

  const first = await json<Listed>('list', '--limit', '3');
  expect(first.letters.map(({ offset }) => offset)).toEqual([1, 2, 3]);
  const rest = await json<Listed>('list', '--limit', '3', '--after', first.next ?? '');
  expect(rest).toMatchObject({ letters: [{ offset: 4 }, { offset: 5 }], next: null });

  const filtered = await json<Listed>('list', '--code', 'wrong-key', '--code', 'malformed');
  expect(filtered.letters.map(({ offset }) => offset)).toEqual([3, 4]);
  expect((await json<Listed>('list', '--topic', storage)).letters).toEqual([]);
  expect((await json<Listed>('list', '--until', '2020-01-01T00:00:00Z')).letters).toEqual([]);
  expect((await json<Listed>('list', '--since', '2020-01-01T00:00:00Z')).letters).toHaveLength(5);

  const table = await ctl('list');
  expect(table.stdout).toContain(`${compute}/1/0/4`);
  expect((await ctl('list', '--code', 'nonsense')).code).not.toBe(0);
});

test('a list whose reader has ended, as in `dlq list | head`, ends quietly', async () => {
  const child = spawn(process.execPath, ['services/cli/bin/usagectl.mjs', 'dlq', 'list'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '', ...pipeline.environment },
  });
  child.stdout.destroy();
  const said = text(child.stderr);
  expect(await once(child, 'close')).toEqual([141, null]);
  expect(await said).toBe('');
});

test('a dead letter is shown with all that can be read of it, and cannot steer the terminal', async () => {
  const { stdout } = await ctl('show', `${compute}/0/1`);
  expect(stdout).toContain('wrong-partition');
  expect(stdout).toContain(misplaced.resourceUri);
  expect(stdout).toMatch(/trace +abc/);
  expect(stdout).toContain('nothing yet');
  const hostile = (await ctl('show', `${compute}/1/0/4`)).stdout;
  expect(hostile).toContain('1b 5b 32 4a 20 6e 6f');
  expect(hostile).not.toContain('\u001b');
  expect((await ctl('show', `${compute}/0/99`)).stderr).toContain('There is no dead letter');
});

test('nothing is sent by a dry run, or without agreement', async () => {
  const dry = await ctl('redrive', '--topic', compute, '--dry-run');
  expect(dry.stdout).toContain(`Would redrive 1 to ${storage}/1/0.`);
  const unsure = await ctl('redrive', '--topic', compute);
  expect(unsure).toMatchObject({ code: 1, stderr: expect.stringContaining('--yes') as unknown });
  expect((await ctl('redrive')).stderr).toContain('Which dead letters?');
  expect((await json<Listed>('list')).letters).toHaveLength(5);
  expect(await accepted()).toEqual([]);
});

test('what can succeed is redriven to its place and counts; the rest stays, with the reason', async () => {
  const { stdout, code } = await ctl('redrive', '--topic', compute, '--yes', '--reason', 'mended');
  expect(code).toBe(1); // not all of them were
  expect(stdout).toContain(`${compute}/1/0/4: it is not in the Confluent wire format`);
  expect(stdout).toContain('schema id 999 is not published');
  await pipeline.settled();
  expect(await accepted()).toEqual(
    [
      `${compute}/0 ${misnamed.resourceUri}`,
      `${compute}/1 ${misplaced.resourceUri}`,
      `${storage}/0 ${misrouted.resourceUri}`,
    ].sort(),
  );
  expect((await json<Listed>('list')).letters.map(({ offset }) => offset)).toEqual([4, 5]);
  expect((await json<Listed>('list', '--all')).letters.map((l) => l.disposition)).toEqual([
    'redriven',
    'redriven',
    'redriven',
    null,
    null,
  ]);
  const [operation] = await queryRows(
    pipeline.stack.clickHouse,
    `SELECT actor, subject, JSONExtractInt(detail, 'sent') AS sent FROM operations
     WHERE kind = 'dead-letters-redriven'`,
  );
  expect(operation).toMatchObject({ actor: 'olga', subject: compute });

  const logs = await readLog(pipeline.stack.kafka, [compute]);
  const record = logs
    .find(({ partition }) => partition === 1)
    ?.records.find(({ headers }) => headers[REDRIVE_HEADERS.origin] !== undefined);
  expect(record?.value).toEqual(encode(misplaced));
  expect(record?.key?.toString()).toBe(keyOf(misplaced));
  expect(record?.headers['trace']).toBe('abc');
});

test('redriving what was redriven needs force, and counts nothing twice', async () => {
  const before = await accepted();
  const again = await ctl('redrive', `${compute}/0/1`);
  expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('--force') as unknown });
  expect((await ctl('redrive', `${compute}/0/1`, '--force')).code).toBe(0);
  await pipeline.settled();
  expect(await accepted()).toEqual(before);
  expect(await duplicates()).toBe(1);
});

test('a record that is refused again is a new dead letter that shows where it came from', async () => {
  expect((await ctl('redrive', `${compute}/0/4`)).code).toBe(1);
  expect((await ctl('redrive', `${compute}/0/4`, '--force', '--reason', 'try')).code).toBe(0);
  await pipeline.settled();
  const { letters } = await json<Listed>('list', '--code', 'malformed');
  expect(letters).toHaveLength(1);
  const offset = letters[0]?.offset ?? 0;
  const { history } = await json<{ history: readonly object[] }>(
    'show',
    `${compute}/0/${String(offset)}`,
  );
  expect(history).toMatchObject([
    {
      disposition: 'redriven',
      actor: 'olga',
      reason: 'try',
      letter: { partition: 0, offset: 4 },
      to: { topic: compute, partition: 0, offset },
    },
  ]);
});

test('a discard needs a reason, and is recorded', async () => {
  expect((await ctl('discard', `${compute}/0/5`)).stderr).toContain('--reason');
  expect((await ctl('discard', `${compute}/0/5`, '--reason', ' ')).stderr).toContain('reason');
  expect((await json<Listed>('list')).letters).toHaveLength(2);
  const discarded = await ctl('discard', '--topic', compute, '--yes', '--reason', 'a test of ours');
  expect(discarded.stdout).toContain('Discarded 2.');
  expect((await json<Listed>('list')).letters).toEqual([]);
  const [operation] = await queryRows(
    pipeline.stack.clickHouse,
    `SELECT actor, subject, JSONExtractString(detail, 'reason') AS reason FROM operations
     WHERE kind = 'dead-letters-discarded'`,
  );
  expect(operation).toEqual({ actor: 'olga', subject: compute, reason: 'a test of ours' });
});

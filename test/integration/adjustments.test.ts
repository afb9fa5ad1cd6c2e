import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { usageEventEncoder } from '../../services/shared/avro/usage-event-codec.ts';
import { queryRows } from '../../services/shared/clickhouse/client.ts';
import type { Quantity } from '../../services/shared/model/decimal.ts';
import { partitionOfKey, resourceKey } from '../../services/shared/model/placement.ts';
import { inRepository } from '../../services/shared/process/repository.ts';
import { hourOf, isoText, millis, nextHour, type Hour } from '../../services/shared/model/time.ts';
import { usageEventId } from '../../services/shared/model/usage-event.ts';
import { foundIn, recountAll } from '../support/audit/recount-all.ts';
import { Pipeline } from '../support/pipeline.ts';
import { waitFor } from '../support/wait-for.ts';

/** Hours are short, so that they close while the test runs. */
const HOUR = 4_000;
const SUBSCRIPTION = '1d6c4363-3a9b-4cb6-8e6c-fc2e9ec74ca4';
const METER = '9CD92D4C-BAFD-4492-B278-BEDC2DE8232A';

let pipeline: Pipeline;
let usageHour: Hour;

beforeAll(async () => {
  pipeline = await Pipeline.open(HOUR);
  await pipeline.startAggregator();
  usageHour = hourOf(millis(Date.now()), HOUR);
  for (const name of ['vm1', 'vm2', 'vm3', 'vm4', 'vm5']) await report(name, '48');
  await pipeline.settled();
});
afterAll(() => pipeline.close());

const uriOf = (name: string): string =>
  `/subscriptions/${SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/${name}`;

/** Reports usage of a machine as its provider does. */
const report = async (name: string, quantity: string): Promise<void> => {
  const source = (await pipeline.sources()).find(({ namespaces }) =>
    namespaces.includes('microsoft.compute'),
  );
  if (!source) throw new Error('no source serves machines');
  const event = {
    subscriptionId: SUBSCRIPTION,
    meterId: METER,
    resourceUri: uriOf(name),
    usageStartTime: usageHour,
    usageEndTime: nextHour(usageHour, HOUR),
    quantity: (BigInt(quantity) * 10n ** 30n) as Quantity,
    location: 'east',
    tags: '{"team":"a"}',
    additionalInfo: null,
  };
  const key = resourceKey(event.resourceUri);
  await pipeline.tools.writer.append(
    { topic: source.topic, partition: partitionOfKey(key, source.partitions) },
    [
      {
        key,
        value: usageEventEncoder(pipeline.tools.schemas)({
          eventId: usageEventId(event),
          ...event,
        }),
      },
    ],
  );
};

const adjustmentOf = (name: string, quantity: string, ...more: readonly string[]): string[] => [
  'adjust',
  ...['--subscription', SUBSCRIPTION, '--resource', uriOf(name), '--meter', METER],
  ...['--usage-hour', isoText(usageHour), '--quantity', quantity, '--reason', 'a test'],
  ...more,
];

const killedAt = async (failpoint: string, args: readonly string[]): Promise<string | null> => {
  const child = spawn(process.execPath, ['services/cli/bin/usagectl.mjs', ...args], {
    cwd: inRepository('.'),
    stdio: 'ignore',
    env: {
      ...process.env,
      NODE_OPTIONS: '',
      ...pipeline.environment,
      USAGE_FAILPOINT: failpoint,
    },
  });
  const [, signal] = (await once(child, 'exit')) as [number | null, string | null];
  return signal;
};

interface WindowRow {
  readonly reported: string;
  readonly quantity: string;
  readonly events: string;
  readonly info: string | null;
}

const windowsOf = (name: string): Promise<readonly WindowRow[]> =>
  queryRows<WindowRow>(
    pipeline.stack.clickHouse,
    `SELECT toString(reported_hour) AS reported, toString(h.quantity) AS quantity, toString(event_count) AS events,
       additional_info AS info
     FROM usage_hourly AS h FINAL WHERE resource_key = {key:String} ORDER BY reported_hour`,
    { key: resourceKey(uriOf(name)) },
  );

const totalOf = async (name: string): Promise<string> => {
  const [row] = await queryRows<{ total: string }>(
    pipeline.stack.clickHouse,
    `SELECT toString(sum(h.quantity)) AS total FROM usage_hourly AS h FINAL
     WHERE resource_key = {key:String}`,
    { key: resourceKey(uriOf(name)) },
  );
  return row?.total ?? '';
};

/** Waits until the hour is over in which usage was reported first, on every partition. */
const firstHourClosed = (): Promise<unknown> =>
  waitFor('the first hour is closed', async () => {
    const [row] = await queryRows<{ open: string }>(
      pipeline.stack.clickHouse,
      `SELECT toString(min(toUnixTimestamp(open_hour))) AS open FROM checkpoints FINAL`,
    );
    const reported = (await windowsOf('vm1'))[0]?.reported ?? '';
    const [first] = await queryRows<{ at: number }>(
      pipeline.stack.clickHouse,
      `SELECT toUnixTimestamp(toDateTime({reported:String}, 'UTC')) AS at`,
      { reported },
    );
    return Number(row?.open) > (first?.at ?? Infinity);
  });

test.each(['after-adjustment-recorded:1', 'after-adjustment-sent:1'])(
  'an adjustment whose command is killed %s counts once when it is repeated, in a later hour',
  async (failpoint) => {
    const name = failpoint.includes('sent') ? 'vm2' : 'vm1';
    await firstHourClosed();
    const [closed] = await windowsOf(name);
    const command = adjustmentOf(name, '-12.5', '--yes');
    expect(await killedAt(failpoint, command)).toBe('SIGKILL');
    await pipeline.settled();
    const listed = await pipeline.usagectl('adjust', 'list');
    expect(listed.stdout.includes('not yet')).toBe(name === 'vm1');
    if (name === 'vm1') {
      await waitFor('the audit misses it', async () =>
        foundIn(await recountAll(pipeline.stack, pipeline.tools)).some((each) =>
          each.startsWith('adjustment: was recorded, and is not counted'),
        ),
      );
    }

    const repeated = await pipeline.usagectl(...command);
    expect(repeated).toMatchObject({ code: 0, stderr: '' });
    await pipeline.settled();
    const again = await pipeline.usagectl(...command);
    expect(again).toMatchObject({ code: 0, stderr: '' });
    expect(again.stdout).toContain('nothing is done');
    await pipeline.settled();

    const [first, second, ...others] = await windowsOf(name);
    expect(others).toEqual([]);
    expect(first).toEqual(closed);
    expect(second).toMatchObject({ quantity: '-12.5', events: '1' });
    expect(JSON.parse(second?.info ?? '')).toMatchObject({ adjustment: { reason: 'a test' } });
    expect(await totalOf(name)).toBe('35.5');
    expect(foundIn(await recountAll(pipeline.stack, pipeline.tools))).toEqual([]);
  },
);

test('more than is recorded is not taken back unless it is forced, also in two steps', async () => {
  const tooMuch = await pipeline.usagectl(...adjustmentOf('vm3', '-48.1', '--yes'));
  expect(tooMuch).toMatchObject({ code: 1 });
  expect(tooMuch.stderr).toContain('48 is recorded for this usage hour');
  expect(await pipeline.usagectl(...adjustmentOf('vm3', '-40', '--yes'))).toMatchObject({
    code: 0,
  });
  expect(await pipeline.usagectl(...adjustmentOf('vm3', '-8.1', '--yes'))).toMatchObject({
    code: 1,
  });
  const forced = adjustmentOf('vm3', '-8.1', '--force', '--yes');
  expect(await pipeline.usagectl(...forced)).toMatchObject({ code: 0 });
  await pipeline.settled();
  expect(await totalOf('vm3')).toBe('-0.1');
});

test('nothing is written without --yes, in a dry run, or where something is wrong', async () => {
  const asked = await pipeline.usagectl(...adjustmentOf('vm4', '-1'));
  expect(asked).toMatchObject({ code: 1 });
  expect(asked.stderr).toContain('add --yes');
  const dry = await pipeline.usagectl(...adjustmentOf('vm4', '-1', '--dry-run'));
  expect(dry).toMatchObject({ code: 0, stderr: '' });
  expect(dry.stdout).toContain('48');
  const wrong = await pipeline.usagectl('adjust', '--quantity', 'x', '--usage-hour', 'y', '--yes');
  expect(wrong).toMatchObject({ code: 1 });
  for (const option of ['subscription', 'resource', 'meter', 'usage-hour', 'quantity', 'reason']) {
    expect(wrong.stderr).toContain(`--${option} `);
  }
  const elsewhere = adjustmentOf('vm4', '-1', '--yes').map((word) =>
    word.replace('Microsoft.Compute', 'Microsoft.Nowhere'),
  );
  const unserved = await pipeline.usagectl(...elsewhere);
  expect(unserved.stderr).toContain('no open live source serves');
  const [row] = await queryRows<{ n: string }>(
    pipeline.stack.clickHouse,
    `SELECT toString(count()) AS n FROM adjustments WHERE resource_uri = {uri:String}`,
    { uri: uriOf('vm4') },
  );
  expect(row?.n).toBe('0');
});

test('an equal adjustment is made again under a key, and a key is not used for another quantity', async () => {
  expect(await pipeline.usagectl(...adjustmentOf('vm5', '2', '--yes'))).toMatchObject({ code: 0 });
  const second = adjustmentOf('vm5', '2', '--key', 'second', '--yes');
  expect(await pipeline.usagectl(...second)).toMatchObject({ code: 0 });
  const other = await pipeline.usagectl(...adjustmentOf('vm5', '3', '--key', 'second', '--yes'));
  expect(other).toMatchObject({ code: 1 });
  expect(other.stderr).toContain('--key second is taken');
  await pipeline.settled();
  expect(await totalOf('vm5')).toBe('52');
  const listed = await pipeline.usagectl('adjust', 'list', '--json');
  const own = (JSON.parse(listed.stdout) as { resourceUri: string; quantity: string }[]).filter(
    ({ resourceUri }) => resourceUri === uriOf('vm5'),
  );
  expect(own.map(({ quantity }) => quantity)).toEqual(['2', '2']);
  const history = await pipeline.usagectl('history', '--json');
  expect(history.stdout).toContain('"kind": "adjustment"');
});

test('an audit finds an adjustment that was changed, recorded by nobody, or counted twice', async () => {
  const { clickHouse } = pipeline.stack;
  await pipeline.settled();
  const sound = await recountAll(pipeline.stack, pipeline.tools);
  expect(foundIn(sound)).toEqual([]);
  const change = (query: string): Promise<unknown> =>
    clickHouse.command({ query, clickhouse_settings: { mutations_sync: '1' } });
  const kinds = async (): Promise<readonly string[]> =>
    foundIn(await recountAll(pipeline.stack, pipeline.tools)).filter((each) =>
      each.startsWith('adjustment: '),
    );
  const vm1 = `resource_uri = '${uriOf('vm1')}'`;

  await change(`ALTER TABLE adjustments UPDATE quantity = quantity - 1 WHERE ${vm1}`);
  expect(await kinds()).toEqual([
    expect.stringContaining('quantity is "-13.5", recounted "-12.5"'),
    expect.stringContaining('was recorded as -13.5, and -12.5 is counted'),
  ]);
  await change(`ALTER TABLE adjustments UPDATE quantity = quantity + 1 WHERE ${vm1}`);

  await change(`ALTER TABLE adjustments UPDATE reason = 'another' WHERE ${vm1}`);
  expect(await kinds()).toEqual([expect.stringContaining('reason is "another"')]);
  await change(`ALTER TABLE adjustments UPDATE reason = 'a test' WHERE ${vm1}`);

  await change(
    `CREATE TABLE kept ENGINE = MergeTree ORDER BY tuple() AS SELECT * FROM adjustments`,
  );
  await change(`ALTER TABLE adjustments DELETE WHERE ${vm1}`);
  expect(await kinds()).toEqual([expect.stringContaining('nobody has recorded it')]);
  await change(`INSERT INTO adjustments SELECT * FROM kept WHERE ${vm1}`);

  await change(
    `INSERT INTO usage_events SELECT * REPLACE ('another' AS topic) FROM usage_events WHERE ${vm1} AND quantity < 0`,
  );
  expect(await kinds()).toEqual([expect.stringContaining('is counted 2 times')]);
  await change(`ALTER TABLE usage_events DELETE WHERE topic = 'another'`);
  expect(foundIn(await recountAll(pipeline.stack, pipeline.tools))).toEqual([]);
});

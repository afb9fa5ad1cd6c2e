import type { ClickHouseClient } from '@clickhouse/client';
import { readCoverage } from '../../services/shared/sources/coverage.ts';
import type { SourceId } from '../../services/shared/model/source.ts';
import type { Hour } from '../../services/shared/model/time.ts';
import { usagectl } from '../support/service-process.ts';
import { openTestStack, type TestStack } from '../support/test-stack.ts';
import { closeThrough, declareSource, hour } from './usage-api-fixture.ts';

const COMPUTE: SourceId = { topic: 'usage.events.compute', epoch: 1 };
const STORAGE: SourceId = { topic: 'usage.events.storage', epoch: 1 };

let stack: TestStack;

beforeAll(async () => {
  stack = await openTestStack();
});

afterAll(() => stack.close());

const declare = (id: SourceId, firstHour: Hour): Promise<unknown> =>
  declareSource(stack.clickHouse, {
    ...id,
    kind: 'live',
    firstHour,
    lastHour: null,
    state: 'open',
  });

/** A client that lets something happen between its first and its second query. */
const interrupted = (
  client: ClickHouseClient,
  happens: () => Promise<unknown>,
): ClickHouseClient => {
  let queries = 0;
  const query: typeof client.query = async (params) => {
    queries += 1;
    if (queries === 2) await happens();
    return client.query(params);
  };
  return Object.assign(Object.create(client) as ClickHouseClient, { query });
};

test('a source that is declared while coverage is read makes no hour of its own look complete', async () => {
  const { clickHouse } = stack;
  await declare(COMPUTE, hour('2025-12-01T00'));
  await closeThrough(clickHouse, { ...COMPUTE, partition: 0 }, hour('2025-12-01T02'));
  const during = await readCoverage(
    interrupted(clickHouse, async () => {
      await declare(STORAGE, hour('2025-12-01T02'));
      await closeThrough(clickHouse, { ...COMPUTE, partition: 0 }, hour('2025-12-01T03'), {
        nextOffset: 2,
      });
    }),
  );
  expect(during.completeBefore).toBe(hour('2025-12-01T02'));
  const after = await readCoverage(clickHouse);
  expect(after.completeBefore).toBe(hour('2025-12-01T02'));
  expect(after.sources).toHaveLength(2);
});

test('the command line tells hours that are complete from those of which nobody knows', async () => {
  await declareSource(stack.clickHouse, {
    topic: 'usage.history.run',
    kind: 'history',
    firstHour: hour('2025-11-30T10'),
    lastHour: hour('2025-11-30T11'),
    state: 'open',
  });
  const { code, stdout, stderr } = await usagectl(['sources', 'coverage'], stack.environment);
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout.split('\n').map((line) => line.trim().split(/ {2,}/))).toEqual([
    ['REPORTED FROM', 'BEFORE', 'STATE', 'SOURCES'],
    expect.any(Array),
    ['-', '2025-11-30T10:00:00Z', 'not covered'],
    ['2025-11-30T10:00:00Z', '2025-11-30T12:00:00Z', 'processing', 'usage.history.run/1'],
    ['2025-11-30T12:00:00Z', '2025-12-01T00:00:00Z', 'not covered'],
    [
      '2025-12-01T00:00:00Z',
      '2025-12-01T02:00:00Z',
      'complete',
      expect.stringContaining('usage.events.compute/1'),
    ],
    ['2025-12-01T02:00:00Z', '-', 'processing', expect.stringContaining('usage.events.storage/1')],
    [''],
  ]);
});

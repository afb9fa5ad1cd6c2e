import type { ClickHouseClient } from '@clickhouse/client';
import { readCoverage } from '../../services/shared/sources/coverage.ts';
import type { SourceId } from '../../services/shared/source.ts';
import type { Hour } from '../../services/shared/time.ts';
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
  expect(during.completeThrough).toBe(hour('2025-12-01T02'));
  const after = await readCoverage(clickHouse);
  expect(after.completeThrough).toBe(hour('2025-12-01T02'));
  expect(after.sources).toHaveLength(2);
});

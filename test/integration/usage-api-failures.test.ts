import type { ClickHouseClient } from '@clickhouse/client';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { openClickHouse } from '../../services/shared/clickhouse/client.ts';
import { openTestStack, type TestStack } from '../support/test-stack.ts';
import {
  closeThrough,
  declareSource,
  get,
  hour,
  hourly,
  startApi,
  type Answer,
  type ErrorAnswer,
} from './usage-api-fixture.ts';
import { timeOf } from '../../services/shared/model/time-text.ts';

const NOW = timeOf('2025-12-01T12:30:00Z');
const CALL = hourly('2025-12-01T00', '2025-12-01T01');

let stack: TestStack;

beforeAll(async () => {
  stack = await openTestStack();
});

afterAll(() => stack.close());

/** Accepts connections and never answers. */
const startSilence = async (): Promise<{ url: string; stop: () => Promise<void> }> => {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
};

/** What the API answers on a ClickHouse of this URL or database. */
const askWith = async (
  clickHouse: ClickHouseClient,
  path: string,
  timeLimitMillis?: number,
): Promise<Answer<ErrorAnswer>> => {
  const { logger } = stack;
  const api = await startApi(clickHouse, {
    logger,
    now: NOW,
    ...(timeLimitMillis !== undefined && { timeLimitMillis }),
  });
  try {
    return await get<ErrorAnswer>(api.url + path);
  } finally {
    await api.close();
  }
};

test.each([CALL, '/health/ready'])(
  'while ClickHouse is away, %s is a 503 that says when to try again',
  async (path) => {
    const silence = await startSilence();
    await silence.stop();
    const clickHouse = openClickHouse({ ...stack.config, CLICKHOUSE_URL: silence.url });
    const { status, headers, body } = await askWith(clickHouse, path);
    await clickHouse.close();
    expect([status, body.error.code]).toEqual([503, 'ServiceUnavailable']);
    expect(headers.get('retry-after')).toMatch(/^\d+$/);
    expect(JSON.stringify(body)).not.toContain('ECONNREFUSED');
  },
);

test('a ClickHouse that does not answer in time is a gateway time-out, as ARM has it', async () => {
  const silence = await startSilence();
  const clickHouse = openClickHouse({ ...stack.config, CLICKHOUSE_URL: silence.url });
  const { status, headers, body } = await askWith(clickHouse, CALL, 50);
  await silence.stop();
  await clickHouse.close();
  expect([status, body.error.code]).toEqual([504, 'GatewayTimeout']);
  expect(headers.get('x-ms-failure-cause')).toBe('service');
});

test('without the tables it is not ready, and no call succeeds', async () => {
  const clickHouse = openClickHouse(stack.config, 'default');
  const ready = await askWith(clickHouse, '/health/ready');
  const call = await askWith(clickHouse, CALL);
  await clickHouse.close();
  expect([ready.status, call.status]).toEqual([503, 503]);
  expect(ready.body.error.message).toContain('usagectl migrate');
});

test('what the database cannot add up is a defect of ours, told without its words', async () => {
  const { clickHouse } = stack;
  const topic = 'usage.events.compute';
  const firstHour = hour('2025-12-01T00');
  await declareSource(clickHouse, {
    topic,
    kind: 'live',
    firstHour,
    lastHour: null,
    state: 'open',
  });
  await closeThrough(clickHouse, { topic, epoch: 1, partition: 0 }, hour('2025-12-01T02'));
  const without = openClickHouse(stack.config);
  await clickHouse.command({ query: 'ALTER TABLE usage_hourly RENAME COLUMN tags TO labels' });
  const { status, body } = await askWith(without, CALL);
  await clickHouse.command({ query: 'ALTER TABLE usage_hourly RENAME COLUMN labels TO tags' });
  await without.close();
  expect([status, body.error.code]).toEqual([500, 'InternalServerError']);
  expect(body.error.message).not.toMatch(/tags|usage_hourly|Code:/);
});

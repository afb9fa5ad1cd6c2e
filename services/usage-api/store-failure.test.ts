import { ClickHouseError } from '@clickhouse/client';
import { storeFailure, TimeLimitError, withinMillis } from './store-failure.ts';

const engineError = (code: string): ClickHouseError =>
  new ClickHouseError({ message: 'secret detail', code, type: 'X' });

test.each<[string, unknown, number, string]>([
  ['a time limit', new TimeLimitError(), 504, 'GatewayTimeout'],
  ['a query the engine gave up', engineError('159'), 504, 'GatewayTimeout'],
  ['too many queries', engineError('202'), 503, 'ServiceUnavailable'],
  ['tables that are not there yet', engineError('60'), 503, 'ServiceUnavailable'],
  [
    'a refused connection',
    Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }),
    503,
    'ServiceUnavailable',
  ],
  ['a query that is wrong', engineError('62'), 500, 'InternalServerError'],
  ['a defect here', new TypeError('x is not a function'), 500, 'InternalServerError'],
])('%s is answered by its kind', (_, thrown, status, code) => {
  const answer = storeFailure(thrown);
  expect(answer).toMatchObject({ status, code });
  expect(answer.message).not.toContain('secret');
});

test('work that ends in time is what it was', async () => {
  await expect(withinMillis(60_000, Promise.resolve(7))).resolves.toBe(7);
  await expect(withinMillis(60_000, Promise.reject(new Error('broken')))).rejects.toThrow('broken');
});

test('work that does not end is waited for no longer than its limit', async () => {
  await expect(withinMillis(1, new Promise(() => undefined))).rejects.toThrow(TimeLimitError);
});

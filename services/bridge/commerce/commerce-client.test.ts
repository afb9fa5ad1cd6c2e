import { hour, uriOf } from '../../../test/support/bridge/aggregates-log.ts';
import { scriptedCommerce, type Answer } from '../../../test/support/bridge/scripted-commerce.ts';
import { parseQuantity, ZERO } from '../../shared/model/decimal.ts';
import type { Pending } from '../ports.ts';
import { CommerceClient } from './commerce-client.ts';

const PENDING: Pending = {
  at: { topic: 'usage.events.compute', epoch: 1, partition: 0 },
  hour: hour(0),
  submission: {
    submissionId: '00000000-0000-4000-8000-000000000000',
    resourceUri: uriOf('vm'),
    dimension: 'DIM',
    quantity: parseQuantity('1.5') ?? ZERO,
    planId: 'plan',
  },
};

const failures = async (answer: Answer) => {
  const commerce = await scriptedCommerce(() => answer);
  const client = new CommerceClient({ url: commerce.url, token: null, requestMillis: 30_000 });
  const { signal } = new AbortController();
  try {
    return [await client.submit([PENDING], signal), await client.holdings([PENDING], signal)];
  } finally {
    await commerce.close();
  }
};

// eslint-disable-next-line no-restricted-syntax -- the only place that writes an HTTP date
const inAnHour = (): string => new Date(Date.now() + 3_600_000).toUTCString();
const HOUR = 3_600_000;

describe('how long Commerce asks to wait, told with a failure, of sending and of looking up', () => {
  test.each<[string, number]>([
    ['0', 0],
    ['7', 7_000],
    ['120', 120_000],
    ['86400', HOUR], // no longer than an hour
    ['Thu, 01 Jan 1970 00:00:00 GMT', 0],
  ])('Retry-After: %s', async (text, wait) => {
    for (const status of [429, 500, 503]) {
      const answer = { status, headers: { 'retry-after': text }, body: '' };
      const failure = { kind: 'failed', retryAfter: wait };
      expect(await failures(answer)).toMatchObject([failure, failure]);
    }
  });

  test('Retry-After as a date', async () => {
    const answer = { status: 503, headers: { 'retry-after': inAnHour() }, body: '' };
    for (const failure of await failures(answer)) {
      expect(failure).toMatchObject({ kind: 'failed' });
      const wait = 'retryAfter' in failure ? failure.retryAfter : null;
      expect(wait).toBeGreaterThan(HOUR / 2);
      expect(wait).toBeLessThanOrEqual(HOUR);
    }
  });

  test.each(['soon', '-5', '1.5', ''])('"%s" says nothing', async (text) => {
    const answer = { status: 503, headers: { 'retry-after': text }, body: '' };
    expect(await failures(answer)).toMatchObject([{ retryAfter: null }, { retryAfter: null }]);
  });

  test('without the header nothing is said', async () => {
    expect(await failures({ status: 503, body: '' })).toMatchObject([
      { retryAfter: null },
      { retryAfter: null },
    ]);
  });
});

test('what Commerce holds of an hour that cannot be read is not taken for nothing', async () => {
  for (const usageDate of ['1/10/2026 1:00:00 AM', '2026-01-10T01:00:00.123456789Z', '']) {
    const row = { usageDate, usageResourceId: 'r', dimension: 'd', submittedQuantity: 1 };
    const [, found] = await failures({ status: 200, body: JSON.stringify([row]) });
    expect(found).toMatchObject({ kind: 'failed', nature: 'puzzled' });
  }
});

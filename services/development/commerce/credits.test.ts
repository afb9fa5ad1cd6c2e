import {
  CommerceServer,
  event,
  SUBSCRIPTION,
  TOKEN,
  URI,
  VM,
  type Answered,
} from '../../../test/support/commerce-server.ts';

let server: CommerceServer;
beforeEach(async () => {
  server = await CommerceServer.start({}, { maxAgeMillis: null });
});
afterEach(() => server.stop());

const CLAIM = {
  id: 'submission 1',
  resourceUri: URI,
  dimension: VM,
  quantity: '2.5',
  usageMonth: '2026-02',
  reason: 'the <agent> counted twice',
};

const claim = (changes: object = {}, token = TOKEN): Promise<Answered> =>
  server.ask({
    method: 'POST',
    url: '/credits',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    payload: JSON.stringify({ ...CLAIM, ...changes }),
  });

const page = async (url: string): Promise<Answered> => {
  const authorization = `Bearer ${TOKEN}`;
  const answer = await server.ask({ method: 'GET', url, headers: { authorization } });
  expect(answer.status).toBe(200);
  return answer;
};

const costOf = async (): Promise<string> =>
  ((await page('/portal/bill.json?month=2026-03')).body as { cost: string }).cost;

const usage = (quantity: number): Promise<Answered> =>
  server.batch({ ...event, quantity, effectiveStartTime: '2026-03-09T10:00:00Z' });

test('a credit lowers the bill of the month in which it is granted, by its exact price, once', async () => {
  await usage(5.5);
  expect(await costOf()).toBe('0.253');
  expect(await claim()).toMatchObject({ status: 201, body: { quantity: '2.5' } });
  expect(await claim()).toMatchObject({ status: 200, body: { quantity: '2.5' } });
  expect(await costOf()).toBe('0.138'); // (5.5 − 2.5) × 0.046
  expect(await claim({ quantity: '3' })).toMatchObject({ status: 409 });
  expect(await claim({ id: 'submission 2' })).toMatchObject({ status: 201 });
  expect(await costOf()).toBe('0.023');
});

test('the invoice has each credit as a line of its own with its reason, and its lines add up', async () => {
  await usage(5.5);
  await claim();
  await claim({ id: 'submission 2', quantity: '0.5', reason: 'another one' });
  const { text } = await page('/portal/invoice?month=2026-03');
  for (const part of [
    'Credits',
    '-2.5000',
    '-0.5000',
    'the &#60;agent&#62; counted twice',
    'another one',
    'Used in February 2026',
  ]) {
    expect(text).toContain(part);
  }
  expect(text).not.toContain('Late usage');
  const rows = (await page('/portal/invoice.csv?month=2026-03')).text.trim().split(/\r?\n/);
  expect(rows.slice(1).map((row) => row.split(',').slice(9))).toEqual([
    ['5.5', '0.046', '0.253', 'USD', ''],
    ['-0.5', '0.046', '-0.023', 'USD', 'another one'],
    ['-2.5', '0.046', '-0.115', 'USD', 'the <agent> counted twice'],
  ]);
});

test('a month with a credit alone has an invoice below zero', async () => {
  await claim();
  const { text } = await page('/portal/invoice?month=2026-03');
  expect(text).toContain('-0.12');
  expect((await page('/portal?month=2026-03')).text).toContain('-0.12');
});

test('usage of a month that is corrected in a later one is a line below zero of late usage', async () => {
  await server.batch({
    ...event,
    quantity: 6,
    effectiveStartTime: '2026-03-09T10:00:00Z',
    additionalInfo: {
      usageMonths: [
        { month: '2026-02', quantity: '-4' },
        { month: '2026-03', quantity: '10' },
      ],
    },
  });
  expect(await costOf()).toBe('0.276');
  const { text } = await page('/portal/invoice?month=2026-03');
  expect(text).toContain('Late usage');
  expect(text).toContain('-4.0000');
});

test.each<[string, object]>([
  ['nothing', { quantity: '0' }],
  ['a quantity below zero', { quantity: '-1' }],
  ['a number', { quantity: 2.5 }],
  ['no reason', { reason: '' }],
  ['no month', { usageMonth: '2026-13' }],
  ['a field that nobody knows', { more: 1 }],
])('a claim of %s is refused', async (_, changes) => {
  expect(await claim(changes)).toMatchObject({ status: 400 });
});

test('nobody claims without the token, and a claim names its tenant', async () => {
  expect(await claim({}, 'wrong')).toMatchObject({ status: 403 });
  expect(await claim()).toMatchObject({ body: { tenantSubscription: SUBSCRIPTION } });
});

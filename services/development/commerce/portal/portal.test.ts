import fc from 'fast-check';
import {
  CommerceServer,
  event,
  SUBSCRIPTION,
  TOKEN,
  URI,
  VM,
  type Answered,
} from '../../../../test/support/commerce-server.ts';
import { isoText, millis } from '../../../shared/model/time.ts';
import { parseRates } from '../../../operations/rates/rate-file.ts';

const FABRIKAM = 'c0a1e5d2-8b34-4f6a-9d70-1e2f3a4b5c6d';
const PAYER = '7f3c2b9a-61d4-4a8e-9b57-0c1d2e3f4a5b';
const REG = 'azurestack-5b2f8a6e-3c1d-4e7f-9a04-6d1c2b3e4f50';
const OTHER = '39c82aed-b2b7-4a66-abdb-611de00bf11e';

let server: CommerceServer;

beforeEach(async () => {
  server = await CommerceServer.start({}, { maxAgeMillis: null });
});

afterEach(() => server.stop());

const page = (url: string, authorization = `Basic ${btoa(`anyone:${TOKEN}`)}`): Promise<Answered> =>
  server.ask({ method: 'GET', url, headers: { authorization } });

const at = (time: string, more: object = {}): object => ({
  ...event,
  effectiveStartTime: `${time}:00:00Z`,
  ...more,
});

const late = (time: string, quantity: number, ...months: readonly (readonly [string, string])[]) =>
  at(time, {
    quantity,
    additionalInfo: { usageMonths: months.map(([month, text]) => ({ month, quantity: text })) },
  });

interface Bill {
  readonly cost: string;
  readonly lateCost: string;
  readonly customers: readonly { readonly customer: string; readonly cost: string }[];
  readonly subscriptions: readonly { readonly subscription: string; readonly cost: string }[];
  readonly days: readonly { readonly day: string; readonly cost: string }[];
  readonly meters: readonly { readonly quantity: string; readonly cost: string }[];
  readonly resources: readonly { readonly resource: string; readonly cost: string }[];
  readonly usageMonths: readonly { readonly usageMonth: string; readonly quantity: string }[];
}

const bill = async (query = ''): Promise<Bill> => {
  const { status, body } = await page(`/portal/bill.json${query}`);
  expect(status).toBe(200);
  return body as Bill;
};

test('a browser is asked for the token, the style too', async () => {
  for (const url of ['/', '/portal', '/portal/style.css', '/portal/invoice.csv']) {
    const answer = await page(url, 'Basic bm8=');
    expect(answer).toMatchObject({ status: 401 });
    expect(answer.headers['www-authenticate']).toMatch(/^Basic /);
  }
  expect(await page('/')).toMatchObject({ status: 302, headers: { location: '/portal' } });
});

test('without usage the pages say so', async () => {
  expect((await page('/portal')).text).toContain('No usage was accepted for this month.');
  expect((await page('/portal/usage')).text).toContain('Nothing was accepted yet');
  expect(await page('/portal/invoice')).toMatchObject({ status: 404 });
});

test('the bill has what was accepted, once, and nothing else', async () => {
  await server.batch(
    at('2026-03-09T10'),
    at('2026-03-09T11'),
    at('2026-03-10T11', { quantity: 1.5 }),
  );
  await server.batch(
    at('2026-03-09T10', { quantity: 7 }), // a duplicate
    at('2026-03-10T13'), // in the future
    at('2026-03-09T12', { dimension: 'gold' }),
    at('2026-03-09T12', { quantity: 0 }),
  );
  expect(await bill()).toMatchObject({
    cost: '0.253', // 5.5 × 0.046
    lateCost: '0',
    meters: [{ quantity: '5.5', cost: '0.253' }],
    days: [
      { day: '2026-03-09', cost: '0.184' },
      { day: '2026-03-10', cost: '0.069' },
    ],
    resources: [{ resource: URI, cost: '0.253' }],
    subscriptions: [{ subscription: SUBSCRIPTION, cost: '0.253' }],
    customers: [{ customer: PAYER, cost: '0.253' }],
  });
});

test('the bill grows with what is accepted later', async () => {
  await server.batch(at('2026-03-09T10'));
  expect((await bill()).cost).toBe('0.092');
  await server.batch(at('2026-03-09T11'));
  expect((await bill()).cost).toBe('0.184');
});

test('each customer has a bill and an invoice of its own, which add up to the whole', async () => {
  await server.batch(at('2026-03-09T10'));
  await server.customers.put(REG, {
    subscriptionId: FABRIKAM,
    tenantId: 't',
    localSubscriptions: [SUBSCRIPTION],
  });
  await server.batch(at('2026-03-09T11', { quantity: 3 }));
  expect(await bill()).toMatchObject({
    cost: '0.23',
    customers: [
      { customer: FABRIKAM, cost: '0.138' },
      { customer: PAYER, cost: '0.092' },
    ],
  });
  expect((await bill(`?customer=${FABRIKAM}`)).cost).toBe('0.138');
  expect(await page('/portal/invoice')).toMatchObject({ status: 400 });
  const { text } = await page(`/portal/invoice?customer=${FABRIKAM}`);
  for (const part of ['Fabrikam', FABRIKAM, '2026-03-c0a1e5d2', '0.14', 'Basis: reported time']) {
    expect(text).toContain(part);
  }
  expect(text).not.toContain('Late usage');
});

test('usage of an earlier month is billed in the month of its report, and listed by its own', async () => {
  await server.batch(
    at('2026-03-01T00', { quantity: 4 }),
    late('2026-03-01T01', 15.5, ['2026-02', '12.5'], ['2026-03', '3']),
    late('2026-03-01T02', 8, ['2026-01', '8']),
  );
  expect((await page('/portal?month=2026-02')).text).toContain('No usage was accepted');
  const march = await bill('?month=2026-03');
  expect([march.cost, march.lateCost]).toEqual(['1.265', '0.943']);
  expect(march.usageMonths.map((each) => [each.usageMonth, each.quantity])).toEqual([
    ['2026-02', '12.5'],
    ['2026-01', '8'],
    ['2026-03', '7'],
  ]);
  const { text } = await page('/portal/invoice?month=2026-03');
  for (const part of ['Late usage', 'Used in February 2026', 'Used in January 2026', '1.27']) {
    expect(text).toContain(part);
  }
  expect((await page('/portal?month=2026-03')).text).toContain('Used in earlier months');
});

test('the CSV has the lines of the invoice, and its costs add up to the total', async () => {
  await server.batch(
    at('2026-03-01T00', { quantity: 4 }),
    late('2026-03-01T01', 15.5, ['2026-02', '12.5'], ['2026-03', '3']),
  );
  const { text, headers } = await page('/portal/invoice.csv');
  expect(headers['content-disposition']).toBe(
    'attachment; filename="invoice-2026-03-7f3c2b9a.csv"',
  );
  expect(text).toBe(
    'InvoiceId,BillingMonth,UsageMonth,Registration,CustomerSubscriptionId,LocalSubscriptionId,MeterId,MeterName,Unit,Quantity,UnitPrice,Cost,Currency,CreditedBecause\n' +
      `2026-03-7f3c2b9a,2026-03,2026-03,${REG},${PAYER},${SUBSCRIPTION},${VM},Windows VM Size Hours,Virtual core hours,7,0.046,0.322,USD,\n` +
      `2026-03-7f3c2b9a,2026-03,2026-02,${REG},${PAYER},${SUBSCRIPTION},${VM},Windows VM Size Hours,Virtual core hours,12.5,0.046,0.575,USD,\n`,
  );
});

test('a formula in a name is not run by a spreadsheet', async () => {
  const info = { 'azureStack.SubscriptionId': '=HYPERLINK("http://evil")' };
  await server.batch(at('2026-03-01T00', { additionalInfo: info }));
  expect((await page('/portal/invoice.csv')).text).toContain('"\'=hyperlink(""http://evil"")"');
});

test('filters take any part of an id or a name, in any case', async () => {
  await server.batch(at('2026-03-09T10'));
  for (const query of [
    `subscription=${SUBSCRIPTION.slice(4, 12).toUpperCase()}`,
    'meter=windows+vm',
    `meter=${VM.slice(0, 6)}`,
    'resource=VM0',
  ]) {
    expect((await bill(`?${query}`)).cost).toBe('0.092');
  }
  for (const query of ['subscription=zz', 'meter=disk', 'resource=vm9', `customer=${FABRIKAM}`]) {
    const { text } = await page(`/portal?${query}`);
    expect(text).toContain('Nothing in this month matches the selection.');
  }
  const { text } = await page(`/portal/usage?subscription=${SUBSCRIPTION.slice(4, 12)}&text=`);
  expect(text).toContain('vm0');
});

test('the page of costs has totals, a chart without a script, and every table', async () => {
  await server.batch(at('2026-03-09T10'), at('2026-02-09T10'));
  const { text, headers } = await page('/portal');
  for (const part of ['<svg', 'Invoices', 'By subscription', 'By meter', 'By resource', 'By day']) {
    expect(text).toContain(part);
  }
  expect(text.match(/>\s*Total\s*</g)).toHaveLength(6);
  expect(text).toContain('href="/portal?month=2026-02"');
  expect(text).not.toContain('<script');
  expect(headers['content-security-policy']).toContain("default-src 'none'");
});

test('an invoice is preliminary until nothing can be added to it', async () => {
  const strict = await CommerceServer.start();
  await strict.batch(event);
  const invoice = async (): Promise<string> => (await strict.get('/portal/invoice')).text;
  expect(await invoice()).toContain('until 2026-04-02T00:00:00Z');
  await strict.stop();
  await server.batch(at('2026-01-09T10'));
  expect((await page('/portal/invoice')).text).toContain('usage of any age is accepted');
});

test('a meter without a price is in no total, and said', async () => {
  const book = parseRates(
    'r',
    JSON.stringify({
      currency: 'EUR',
      provider: 'p',
      billingAccountId: 'a',
      billingAccountName: 'n',
      rates: [{ meter: 'another', from: '2020-01-01', price: '1' }],
    }),
  );
  const unpriced = await CommerceServer.start({}, { book });
  await unpriced.batch(event);
  expect((await unpriced.get('/portal')).text).toContain('no price');
  expect((await unpriced.get('/portal/invoice')).text).toContain('Some lines have no rate');
  expect((await unpriced.get('/portal/bill.json')).body).toMatchObject({
    cost: '0',
    currency: 'EUR',
  });
  await unpriced.stop();
});

test('under Development everything is free', async () => {
  const directory = {
    ...server.directory,
    registrations: server.directory.registrations.map((each) => ({
      ...each,
      billingModel: 'Development' as const,
    })),
  };
  const free = await CommerceServer.start({ directory });
  await free.batch(event);
  expect((await free.get('/portal/bill.json')).body).toMatchObject({
    cost: '0',
    meters: [{ price: '0', quantity: '2', cost: '0' }],
  });
  await free.stop();
});

test('whatever others have named is escaped', async () => {
  const script = `"><script>alert('x')</script>`;
  await server.batch(
    at('2026-03-09T10', {
      resourceUri: `/subscriptions/${script}/providers/a/b/${script}`,
      planId: script,
    }),
  );
  for (const url of ['/portal', '/portal/invoice', '/portal/usage']) {
    const { text } = await page(url);
    expect(text).toContain('&#60;script&#62;');
    expect(text).not.toContain('<script');
  }
  expect((await page(`/portal?resource=${encodeURIComponent('<script')}`)).text) //
    .not.toContain('<script');
});

test('the list of accepted usage is walked through, newest first, each event once', async () => {
  for (let i = 0; i < 60; i += 20) {
    await server.batch(
      ...Array.from({ length: 20 }, (_, k) => ({
        ...event,
        resourceUri: `${URI}-n${String(i + k)}e`,
      })),
    );
  }
  const seen: string[] = [];
  let url: string | undefined = '/portal/usage';
  while (url !== undefined) {
    const { text }: Answered = await page(url);
    seen.push(...Array.from(text.matchAll(/title="[^"]*-n(\d+)e"/g), ([, number = '']) => number));
    url = /href="(\/portal\/usage\?[^"]*)" rel="next"/.exec(text)?.[1];
  }
  expect(seen).toHaveLength(60);
  expect(new Set(seen).size).toBe(60);
});

test('whatever is accepted, all ways to add up the bill give the same', async () => {
  const numbers = fc.array(
    fc.record({
      hour: fc.integer({ min: 0, max: 240 }),
      subscription: fc.constantFrom(SUBSCRIPTION, OTHER),
      resource: fc.integer({ min: 0, max: 3 }),
      quantity: fc.double({ min: 1e-9, max: 1e6, noNaN: true }),
    }),
    { minLength: 1, maxLength: 25 },
  );
  await fc.assert(
    fc.asyncProperty(numbers, async (all) => {
      const fresh = await CommerceServer.start({}, { maxAgeMillis: null });
      const sent = all.map(({ hour, subscription, resource, quantity }) => ({
        ...event,
        quantity,
        resourceUri: `/subscriptions/${subscription}/resourceGroups/g/providers/M.C/v/${String(resource)}`,
        effectiveStartTime: isoText(millis(Date.UTC(2026, 1, 24, hour))),
      }));
      await fresh.batch(...sent);
      for (const month of ['2026-02', '2026-03']) {
        const { body } = await fresh.get(`/portal/bill.json?month=${month}`);
        const { cost, customers, subscriptions, days, resources } = body as Bill;
        const costs = [customers, subscriptions, days, resources].map((groups) =>
          groups.reduce((sum, each) => sum + scaled(each.cost), 0n),
        );
        expect(costs).toEqual(costs.map(() => scaled(cost)));
      }
      await fresh.stop();
    }),
    { numRuns: 15 },
  );
});

/** A decimal of at most 40 places as a count of 10^-40. */
const scaled = (text: string): bigint => {
  const [whole = '', fraction = ''] = text.split('.');
  return BigInt(whole + fraction.padEnd(40, '0'));
};

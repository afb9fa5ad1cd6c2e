import { scriptedServer } from '../../../test/support/scripted-server.ts';
import { formatBilledTo, readBilledTo } from './billed-to.ts';

const bill = (customers: readonly object[], subscriptions: number) =>
  JSON.stringify({
    months: ['2019-12', '2026-11'],
    currency: 'USD',
    customers,
    subscriptions: Array.from({ length: subscriptions }, () => ({})),
  });

const CONTOSO = { customer: 'c1', name: 'Contoso', cost: '1234567890123456789.005' };
const FABRIKAM = { customer: 'c2', name: 'Fabrikam', cost: '0.5' };

test('whom Commerce bills, by month, with costs that are too long for a double', async () => {
  const commerce = await scriptedServer(({ query }) => {
    const customer = query.get('customer');
    if (customer !== null) return { body: bill([], customer === 'c1' ? 8 : 3) };
    return { body: bill(query.get('month') === '2019-12' ? [CONTOSO] : [CONTOSO, FABRIKAM], 11) };
  });
  try {
    const bills = await readBilledTo(commerce.url, 'secret');
    expect(bills.map(({ month, name, subscriptions }) => [month, name, subscriptions])).toEqual([
      ['2019-12', 'Contoso', 8],
      ['2026-11', 'Contoso', 8],
      ['2026-11', 'Fabrikam', 3],
    ]);
    expect(new Set(commerce.asked.map(({ authorization }) => authorization))).toEqual(
      new Set([`Basic ${Buffer.from('summary:secret').toString('base64')}`]),
    );
    expect(formatBilledTo(bills)).toContain('USD 1,234,567,890,123,456,789.01');
  } finally {
    await commerce.close();
  }
});

test('a portal that does not answer a bill is an error, not an empty bill', async () => {
  const commerce = await scriptedServer(() => ({ status: 503, body: '' }));
  try {
    await expect(readBilledTo(commerce.url, null)).rejects.toThrow('answered 503 for a bill');
  } finally {
    await commerce.close();
  }
});

import { z } from 'zod';
import { formatTable } from '../../shared/terminal/table.ts';

/** What one customer pays for the usage that was reported in one month. */
export interface CustomerBill {
  readonly month: string;
  readonly name: string;
  /** The Azure subscription that pays. */
  readonly customer: string;
  /** How many local subscriptions it pays for. */
  readonly subscriptions: number;
  /** An exact decimal. */
  readonly cost: string;
  readonly currency: string;
}

const billSchema = z.object({
  months: z.array(z.string()),
  currency: z.string(),
  customers: z.array(z.object({ customer: z.string(), name: z.string(), cost: z.string() })),
  subscriptions: z.array(z.unknown()),
});

/**
 * Asks the mock of Commerce whom it bills (docs/commerce.md, "Billing portal").
 * @throws Error if it does not answer, or gives another answer
 */
export const readBilledTo = async (
  url: string,
  token: string | null,
): Promise<readonly CustomerBill[]> => {
  const headers: Record<string, string> =
    token === null
      ? {}
      : { authorization: `Basic ${Buffer.from(`summary:${token}`).toString('base64')}` };
  const read = async (search: Readonly<Record<string, string>>) => {
    const answer = await fetch(
      `${url}/portal/bill.json?${new URLSearchParams(search).toString()}`,
      { headers, signal: AbortSignal.timeout(60_000) },
    );
    if (!answer.ok) throw new Error(`${url} answered ${String(answer.status)} for a bill`);
    return billSchema.parse(await answer.json());
  };
  const bills: CustomerBill[] = [];
  for (const month of (await read({})).months) {
    for (const { customer, name, cost } of (await read({ month })).customers) {
      const { currency, subscriptions } = await read({ month, customer });
      bills.push({ month, name, customer, cost, currency, subscriptions: subscriptions.length });
    }
  }
  return bills;
};

/** Rounded to cents; the text is an exact decimal, which `Intl` takes as it is. */
const money = new Intl.NumberFormat('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 });

export const formatBilledTo = (bills: readonly CustomerBill[]): string =>
  formatTable(
    ['BILLED TO', 'AZURE SUBSCRIPTION', 'MONTH', 'LOCAL SUBSCRIPTIONS', 'COST'],
    bills.map(({ name, customer, month, subscriptions, cost, currency }) => [
      name,
      customer,
      month,
      subscriptions,
      `${currency} ${money.format(cost as `${number}`)}`,
    ]),
    { whole: ['AZURE SUBSCRIPTION', 'COST'] },
  );

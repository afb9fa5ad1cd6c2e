import { z } from 'zod';
import { asciiLower } from '../../../shared/model/placement.ts';
import { AFTER_SEPARATOR, SEPARATOR, type Change, type Store } from '../store.ts';

/** A customer of a registration: which Azure subscription pays for which tenant. */
export interface Customer {
  /** The Azure subscription, in lower case. */
  readonly subscriptionId: string;
  readonly tenantId: string;
  /**
   * The local subscriptions of the tenant, in lower case. How Azure finds the tenant of a local subscription
   * is unpublished; so a caller says it. If it does not, `tenantId` is taken for the local subscription too.
   */
  readonly localSubscriptions: readonly string[];
}

const storedCustomer = z.object({
  subscriptionId: z.string(),
  tenantId: z.string(),
  localSubscriptions: z.array(z.string()),
});

/** The customers of all registrations, in the store and in memory. */
export class CustomerMap {
  private readonly store: Store;
  private readonly customers: Map<string, Customer>;

  private constructor(store: Store, customers: Map<string, Customer>) {
    this.store = store;
    this.customers = customers;
  }

  static async load(store: Store): Promise<CustomerMap> {
    const entries = await store.db.iterator({ gte: CUSTOMERS, lt: AFTER_CUSTOMERS }).all();
    return new CustomerMap(
      store,
      new Map(entries.map(([key, value]) => [key, storedCustomer.parse(JSON.parse(value))])),
    );
  }

  /** By subscription. */
  of(registration: string): readonly Customer[] {
    const prefix = keyOf(registration, '');
    return [...this.customers]
      .filter(([key]) => key.startsWith(prefix))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, customer]) => customer);
  }

  /** Who pays for a local subscription; null if no customer does. */
  payerOf(registration: string, localSubscription: string): string | null {
    const payer = this.of(registration).find(({ localSubscriptions }) =>
      localSubscriptions.includes(localSubscription),
    );
    return payer?.subscriptionId ?? null;
  }

  /**
   * Adds a customer, or replaces it. A tenant has one subscription: a second one takes its place. So a local
   * subscription never has two payers.
   */
  put(registration: string, customer: Customer): Promise<void> {
    return this.store.decide(async () => {
      const changes: Change[] = this.of(registration)
        .filter(({ subscriptionId }) => subscriptionId !== customer.subscriptionId)
        .flatMap((other) => replaced(registration, other, customer));
      const key = keyOf(registration, customer.subscriptionId);
      await this.apply([...changes, { type: 'put', key, value: JSON.stringify(customer) }]);
    });
  }

  /** False if it is not there. */
  remove(registration: string, subscriptionId: string): Promise<boolean> {
    return this.store.decide(async () => {
      const key = keyOf(registration, subscriptionId);
      if (!this.customers.has(key)) return false;
      await this.apply([{ type: 'del', key }]);
      return true;
    });
  }

  private async apply(changes: readonly Change[]): Promise<void> {
    await this.store.write(changes);
    for (const change of changes) {
      if (change.type === 'del') this.customers.delete(change.key);
      else this.customers.set(change.key, storedCustomer.parse(JSON.parse(change.value)));
    }
  }
}

/** What becomes of a customer when another one takes its tenant or some of its local subscriptions. */
const replaced = (registration: string, other: Customer, by: Customer): readonly Change[] => {
  const key = keyOf(registration, other.subscriptionId);
  const left = other.localSubscriptions.filter((each) => !by.localSubscriptions.includes(each));
  if (asciiLower(other.tenantId) === asciiLower(by.tenantId) || left.length === 0) {
    return [{ type: 'del', key }];
  }
  return left.length === other.localSubscriptions.length
    ? []
    : [{ type: 'put', key, value: JSON.stringify({ ...other, localSubscriptions: left }) }];
};

const CUSTOMERS = `!customer${SEPARATOR}`;
const AFTER_CUSTOMERS = `!customer${AFTER_SEPARATOR}`;

const keyOf = (registration: string, subscriptionId: string): string =>
  CUSTOMERS + [asciiLower(registration), subscriptionId].join(SEPARATOR);

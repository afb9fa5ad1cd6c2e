import { uuidOf, uuidText } from '../../shared/model/usage-event.ts';

/** Which simulated cloud it is. The same seed always gives the same tenants, however many are asked for. */
export interface CloudSeed {
  readonly seed: number;
  readonly subscriptions: number;
}

/** Who owns resources: one subscription. */
export interface Tenant {
  readonly seed: number;
  /** Counted from 0. */
  readonly number: number;
  readonly subscriptionId: string;
  /** Its resource group. */
  readonly group: string;
  /** A few tenants have most of the resources. */
  readonly isLarge: boolean;
}

const LARGE_ONE_IN = 5;

export const tenantsOf = ({ seed, subscriptions }: CloudSeed): readonly Tenant[] =>
  Array.from({ length: subscriptions }, (_, number) => ({
    seed,
    number,
    subscriptionId: uuidText(uuidOf(['simulated-subscription', String(seed), String(number)])),
    group: `rg-${String(number)}`,
    isLarge: (seed + number) % LARGE_ONE_IN === 2,
  }));

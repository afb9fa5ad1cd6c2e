import { readFile } from 'node:fs/promises';
import { quantities, type Usage } from '@usage-pipeline/provider-sdk';

/**
 * The part to replace: what your service knows about its resources, and what they used in a period.
 *
 * Whatever you read it from (a database, meters, a log), the same period must always give the same usage, also
 * after a restart. So read what was stored with its time, never what is true at this moment: a period is reported
 * after it has ended, and may be reported again.
 */

/** Gigabytes that are held, over hours. A meter of your own goes into schemas/meters.json of the pipeline. */
const VAULT_CAPACITY = 'c0ffee00-0000-4000-8000-000000000001';

/** So many bytes are held from then on, until the next entry. */
interface Held {
  readonly from: string;
  readonly bytes: number;
}

export interface Vault {
  /** /subscriptions/ID/resourceGroups/GROUP/providers/NAMESPACE/TYPE/NAME */
  readonly resourceUri: string;
  readonly location: string;
  /** In the order of time. An entry is never changed; a vault that is deleted ends with one of 0 bytes. */
  readonly held: readonly Held[];
}

/** Instants in milliseconds since 1970, the end not included. */
export interface Period {
  readonly from: number;
  readonly to: number;
}

export const readVaults = async (file: string): Promise<readonly Vault[]> =>
  JSON.parse(await readFile(file, 'utf8')) as readonly Vault[];

/** What the vaults used in a period: one usage for each time in which a vault held the same number of bytes. */
export const usageOf = (vaults: readonly Vault[], period: Period): readonly Usage[] =>
  vaults.flatMap(({ resourceUri, location, held }) =>
    held.flatMap(({ from, bytes }, n): readonly Usage[] => {
      const next = held[n + 1];
      const start = Math.max(Date.parse(from), period.from);
      const end = Math.min(next ? Date.parse(next.from) : Infinity, period.to);
      if (start >= end || bytes === 0) return [];
      return [
        {
          subscriptionId: resourceUri.split('/')[2] ?? '',
          resourceUri,
          meterId: VAULT_CAPACITY,
          from: start,
          to: end,
          quantity: quantities.gibHours(bytes, start, end),
          location,
        },
      ];
    }),
  );

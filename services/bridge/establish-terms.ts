import { createHash } from 'node:crypto';
import { nextHour, type Hour } from '../shared/model/time.ts';
import type { Meter } from '../shared/meters/meter-catalog.ts';
import { reportingOf, type Registration } from './registration.ts';
import type { StoredTerms } from '../shared/billing/terms-table.ts';

type Content = Omit<StoredTerms, 'effectiveFrom'>;

/** The terms by the registration and the catalog of this process. */
export const wantedTerms = (
  registration: Registration | null,
  catalog: readonly Meter[],
): Content => {
  const idsOf = (billable: boolean): readonly string[] =>
    catalog
      .filter((meter) => meter.billable === billable)
      .map(({ meterId }) => meterId)
      .sort();
  const content = {
    reporting: reportingOf(registration),
    planId: registration?.planId ?? '',
    registration: registration === null ? '' : JSON.stringify(registration),
    billableMeters: idsOf(true),
    otherMeters: idsOf(false),
  };
  return {
    ...content,
    digest: createHash('sha256').update(JSON.stringify(content)).digest('hex'),
  };
};

export interface TermsPorts {
  readonly read: () => Promise<readonly StoredTerms[]>;
  readonly write: (terms: StoredTerms) => Promise<void>;
  /** The newest reported hour that can be open anywhere now. */
  readonly newestOpenHour: () => Promise<Hour>;
  readonly hourMillis: number;
}

const FOR_ALL_OF_HISTORY = 0 as Hour;

/**
 * Makes the wanted terms the newest terms. The very first terms apply to all hours. A change applies from
 * the hour after the newest that can be open, so that an hour composed here or by another bridge is never
 * composed differently. Returns the new terms, or null if nothing changed.
 */
export const establishTerms = async (
  wanted: Content,
  { read, write, newestOpenHour, hourMillis }: TermsPorts,
): Promise<StoredTerms | null> => {
  let written: StoredTerms | null = null;
  for (;;) {
    const newest = (await read()).at(-1);
    if (newest?.digest === wanted.digest) return written;
    // Another bridge may have been first to write terms for the same hour. Then ours begin later.
    const effectiveFrom = newest
      ? nextHour(Math.max(await newestOpenHour(), newest.effectiveFrom) as Hour, hourMillis)
      : FOR_ALL_OF_HISTORY;
    written = { ...wanted, effectiveFrom };
    await write(written);
  }
};

import { createHash } from 'node:crypto';
import type { BilledMeter } from '../shared/billing/billing-terms.ts';
import { reportingOf, type Registration } from '../shared/billing/registration.ts';
import type { StoredTerms } from '../shared/billing/terms-table.ts';
import type { Meter } from '../shared/meters/meter-catalog.ts';
import { asciiLower } from '../shared/model/placement.ts';
import { nextHour, type Hour } from '../shared/model/time.ts';
import { UserError } from '../shared/process/errors.ts';

type Content = Omit<StoredTerms, 'effectiveFrom'>;

/**
 * The terms by the registration and the catalog of this process.
 * @throws UserError if the registration maps a meter that is not billed, or two plans to one dimension
 */
export const wantedTerms = (
  registration: Registration | null,
  catalog: readonly Meter[],
): Content => {
  const content = {
    reporting: reportingOf(registration),
    planId: registration?.planId ?? '',
    registration: registration === null ? '' : JSON.stringify(registration),
    billedMeters: billedMeters(registration, catalog),
    otherMeters: catalog
      .flatMap(({ meterId, billing }) =>
        billing === 'full-price' ? [] : [{ meterId, reason: billing }],
      )
      .sort(byMeterId),
    infrastructure: Object.values(registration?.infrastructureSubscriptions ?? {})
      .filter((id) => id !== undefined)
      .sort(),
    late: registration?.lateUsage ?? 'carried',
  };
  return {
    ...content,
    digest: createHash('sha256').update(JSON.stringify(content)).digest('hex'),
  };
};

const byMeterId = (a: { readonly meterId: string }, b: { readonly meterId: string }): number =>
  a.meterId < b.meterId ? -1 : 1;

/** The catalog says under which dimension a meter is billed. The registration may say otherwise. */
const billedMeters = (
  registration: Registration | null,
  catalog: readonly Meter[],
): readonly BilledMeter[] => {
  const mapped = new Map(
    Object.entries(registration?.meters ?? {}).map(([id, each]) => [asciiLower(id), each]),
  );
  const billed = catalog.filter(({ billable }) => billable);
  const known = new Set(billed.map(({ meterId }) => asciiLower(meterId)));
  const unknown = Object.keys(registration?.meters ?? {}).filter(
    (id) => !known.has(asciiLower(id)),
  );
  const meters = billed
    .map(({ meterId, dimension }) => {
      const given = mapped.get(asciiLower(meterId));
      return {
        meterId,
        dimension: given?.dimension ?? dimension,
        planId: given?.planId ?? registration?.planId ?? '',
      };
    })
    .sort(byMeterId);
  const problems = [
    ...unknown.map((id) => `it maps the meter ${id}, which the catalog does not bill`),
    ...plansAtOdds(meters),
  ];
  if (problems.length > 0) {
    throw new UserError(
      `The registration file (COMMERCE_REGISTRATION_FILE) cannot be used: ${problems.join('; ')}`,
    );
  }
  return meters;
};

/** Quantities of one dimension are submitted together, so they need one plan. */
const plansAtOdds = (meters: readonly BilledMeter[]): readonly string[] => {
  const plans = new Map<string, Set<string>>();
  for (const { dimension, planId } of meters) {
    const key = asciiLower(dimension);
    plans.set(key, (plans.get(key) ?? new Set()).add(planId));
  }
  return [...plans]
    .filter(([, found]) => found.size > 1)
    .map(
      ([dimension, found]) =>
        `meters of the dimension ${dimension} have several plans (${[...found].sort().join(', ')})`,
    );
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

import type { ClickHouseClient } from '@clickhouse/client';
import { insertRows, queryRows } from '../clickhouse/client.ts';
import type { BillingTerms, Reporting } from './billing-terms.ts';
import type { Hour } from '../model/time.ts';

/** Stored terms, with the registration that they came from. */
export interface StoredTerms extends BillingTerms {
  /** As JSON; empty if there was no registration. */
  readonly registration: string;
  /** A digest of everything except `effectiveFrom`: equal terms have equal digests. */
  readonly digest: string;
}

interface TermsRow {
  readonly from: number;
  readonly reporting: Reporting;
  readonly plan_id: string;
  readonly registration: string;
  readonly billable_meters: readonly string[];
  readonly other_meters: readonly string[];
  readonly digest: string;
}

/** All terms in order. If two bridges wrote terms that begin at the same hour, the first ones apply. */
export const readTerms = async (client: ClickHouseClient): Promise<readonly StoredTerms[]> => {
  const rows = await queryRows<TermsRow>(
    client,
    `SELECT toUnixTimestamp(effective_from) AS from, reporting, plan_id, registration,
       billable_meters, other_meters, digest
     FROM billing_terms ORDER BY effective_from, written_at, digest LIMIT 1 BY effective_from`,
  );
  return rows.map((row) => ({
    effectiveFrom: (row.from * 1000) as Hour,
    reporting: row.reporting,
    planId: row.plan_id,
    registration: row.registration,
    billableMeters: row.billable_meters,
    otherMeters: row.other_meters,
    digest: row.digest,
  }));
};

export const writeTerms = (client: ClickHouseClient, terms: StoredTerms): Promise<void> =>
  insertRows(client, 'billing_terms', [
    {
      effective_from: terms.effectiveFrom / 1000,
      reporting: terms.reporting,
      plan_id: terms.planId,
      registration: terms.registration,
      billable_meters: terms.billableMeters,
      other_meters: terms.otherMeters,
      digest: terms.digest,
    },
  ]);

import type { ClickHouseClient } from '@clickhouse/client';
import { insertRows, queryRows } from '../clickhouse/client.ts';
import type { BillingTerms, LateUsage, Reporting, UnbilledMeter } from './billing-terms.ts';
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
  readonly billed_meters: readonly {
    readonly meter_id: string;
    readonly dimension: string;
    readonly plan_id: string;
  }[];
  readonly other_meters: readonly { readonly meter_id: string; readonly reason: UnbilledMeter }[];
  readonly infrastructure: readonly string[];
  readonly late: LateUsage;
  readonly digest: string;
}

/** All terms in order. If two bridges wrote terms that begin at the same hour, the first ones apply. */
export const readTerms = async (client: ClickHouseClient): Promise<readonly StoredTerms[]> => {
  const rows = await queryRows<TermsRow>(
    client,
    `SELECT toUnixTimestamp(effective_from) AS from, reporting, plan_id, registration,
       billed_meters, other_meters, infrastructure, late, digest
     FROM billing_terms ORDER BY effective_from, written_at, digest LIMIT 1 BY effective_from`,
  );
  return rows.map((row) => ({
    effectiveFrom: (row.from * 1000) as Hour,
    reporting: row.reporting,
    planId: row.plan_id,
    registration: row.registration,
    billedMeters: row.billed_meters.map((meter) => ({
      meterId: meter.meter_id,
      dimension: meter.dimension,
      planId: meter.plan_id,
    })),
    otherMeters: row.other_meters.map(({ meter_id: meterId, reason }) => ({ meterId, reason })),
    infrastructure: row.infrastructure,
    late: row.late,
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
      billed_meters: terms.billedMeters.map(({ meterId, dimension, planId }) => ({
        meter_id: meterId,
        dimension,
        plan_id: planId,
      })),
      other_meters: terms.otherMeters.map(({ meterId, reason }) => ({ meter_id: meterId, reason })),
      infrastructure: terms.infrastructure,
      late: terms.late,
      digest: terms.digest,
    },
  ]);

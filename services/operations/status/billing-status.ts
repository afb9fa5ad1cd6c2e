import type { ClickHouseClient } from '@clickhouse/client';
import { z } from 'zod';
import { readBillingCounts, type BillingCounts } from '../../shared/billing/billing-counts.ts';
import type { Reporting } from '../../shared/billing/billing-terms.ts';
import { readTerms, type StoredTerms } from '../../shared/billing/terms-table.ts';
import { readUnsent, type Unsent } from '../../shared/billing/unsent.ts';
import { queryRows } from '../../shared/clickhouse/client.ts';
import type { KafkaAdmin } from '../../shared/kafka/admin.ts';
import { isoText } from '../../shared/model/time.ts';

/** The terms by which hours are composed from one on. */
export interface TermsStatus {
  /** ISO text; `1970-01-01T00:00:00Z` for the first terms, which include all of history. */
  readonly from: string;
  readonly reporting: Reporting;
  /** Empty without a registration. */
  readonly billingModel: string;
  readonly planId: string;
  readonly billedMeters: number;
  readonly otherMeters: number;
}

/** One partition of the aggregates topic. */
export interface LogStatus {
  readonly partition: number;
  /** Null if no bridge has read it yet. */
  readonly nextOffset: number | null;
  /** Where reading begins again after a crash: behind it lie hours that are not composed yet. */
  readonly resumeOffset: number | null;
  readonly end: number;
  readonly storedAt: string | null;
}

/** Requests to Commerce with one result. */
export interface RequestCount {
  readonly operation: string;
  /** 0 where no answer came. */
  readonly httpStatus: number;
  readonly handling: string;
  readonly requests: number;
  readonly last: string;
  readonly message: string;
}

/** Usage that is in no submission, by reason. */
export interface UnbilledReason {
  readonly reason: string;
  readonly aggregates: number;
  readonly meters: number;
  readonly subscriptions: number;
}

/** What the bridge does, and where it stands. */
export interface BillingStatus {
  /** The terms now in force and those that begin later, in order; empty if no bridge has ever run. */
  readonly terms: readonly TermsStatus[];
  readonly logs: readonly LogStatus[];
  readonly submissions: BillingCounts;
  readonly unsent: Unsent | null;
  /** Of the last day. */
  readonly requests: readonly RequestCount[];
  readonly unbilled: readonly UnbilledReason[];
}

/** What the bridge stores of a registration, as far as it is shown here. */
const storedRegistration = z.looseObject({ billingModel: z.string() });

const billingModelOf = (registration: string): string =>
  registration === '' ? '' : storedRegistration.parse(JSON.parse(registration)).billingModel;

const termsStatus = (terms: StoredTerms): TermsStatus => ({
  from: isoText(terms.effectiveFrom),
  reporting: terms.reporting,
  billingModel: billingModelOf(terms.registration),
  planId: terms.planId,
  billedMeters: terms.billedMeters.length,
  otherMeters: terms.otherMeters.length,
});

/** Those that apply now, and those that begin later. */
const currentTerms = (all: readonly StoredTerms[], now: number): readonly StoredTerms[] =>
  all.filter((_, at) => (all[at + 1]?.effectiveFrom ?? Infinity) > now);

const readLogs = async (
  client: ClickHouseClient,
  admin: KafkaAdmin,
  topic: string,
): Promise<readonly LogStatus[]> => {
  const rows = await queryRows<{
    readonly partition: number;
    readonly next: string;
    readonly resume: string;
    readonly stored: string;
  }>(
    client,
    `SELECT partition, toString(next_offset) AS next, toString(resume_offset) AS resume,
       formatDateTime(written_at, '%FT%TZ', 'UTC') AS stored
     FROM bridge_checkpoints FINAL WHERE topic = {topic:String}`,
    { topic },
  );
  const stored = new Map(rows.map((row) => [row.partition, row]));
  return (await admin.offsets(topic)).map(({ high }, partition) => {
    const row = stored.get(partition);
    return {
      partition,
      nextOffset: row ? Number(row.next) : null,
      resumeOffset: row ? Number(row.resume) : null,
      end: high,
      storedAt: row?.stored ?? null,
    };
  });
};

const readRequests = async (client: ClickHouseClient): Promise<readonly RequestCount[]> => {
  const rows = await queryRows<{
    readonly operation: string;
    readonly status: number;
    readonly handling: string;
    readonly requests: string;
    readonly last: string;
    readonly message: string;
  }>(
    client,
    `SELECT operation, r.http_status AS status, handling, toString(count()) AS requests,
       formatDateTime(max(r.sent_at), '%FT%TZ', 'UTC') AS last, argMax(r.message, r.sent_at) AS message
     FROM commerce_requests AS r FINAL WHERE r.sent_at > now() - INTERVAL 1 DAY
     GROUP BY operation, status, handling ORDER BY operation, status, handling`,
  );
  return rows.map(({ status, requests, ...row }) => ({
    ...row,
    httpStatus: status,
    requests: Number(requests),
  }));
};

const readUnbilled = async (client: ClickHouseClient): Promise<readonly UnbilledReason[]> => {
  const rows = await queryRows<{
    readonly reason: string;
    readonly aggregates: string;
    readonly meters: string;
    readonly subscriptions: string;
  }>(
    client,
    `SELECT reason, toString(sum(length(u.aggregates))) AS aggregates, toString(uniqExact(meter_key)) AS meters,
       toString(uniqExact(subscription_key)) AS subscriptions
     FROM unbilled_usage AS u FINAL
     WHERE (topic, epoch, partition, reported_hour) IN (
       SELECT topic, epoch, partition, reported_hour FROM compositions)
     GROUP BY reason ORDER BY reason`,
  );
  return rows.map(({ reason, aggregates, meters, subscriptions }) => ({
    reason,
    aggregates: Number(aggregates),
    meters: Number(meters),
    subscriptions: Number(subscriptions),
  }));
};

/** @param now milliseconds since 1970 */
export const readBillingStatus = async (
  client: ClickHouseClient,
  admin: KafkaAdmin,
  topic: string,
  now: number,
): Promise<BillingStatus> => ({
  terms: currentTerms(await readTerms(client), now).map(termsStatus),
  logs: await readLogs(client, admin, topic),
  submissions: await readBillingCounts(client),
  unsent: await readUnsent(client),
  requests: await readRequests(client),
  unbilled: await readUnbilled(client),
});

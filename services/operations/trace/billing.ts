import type { ClickHouseClient } from '@clickhouse/client';
import { OF_PARTITION, partitionParams } from '../../shared/clickhouse/of-partition.ts';
import { queryRows } from '../../shared/clickhouse/client.ts';
import { hourFromSeconds } from '../../shared/clickhouse/values.ts';
import { meterTerms, termsOf } from '../../shared/billing/billing-terms.ts';
import { readTerms } from '../../shared/billing/terms-table.ts';
import { asciiLower } from '../../shared/model/placement.ts';
import type { Hour } from '../../shared/model/time.ts';
import { readSources } from '../../shared/sources/register.ts';
import type { TracedWindow } from './windows.ts';

/** A submission to Commerce, and what became of it. */
export interface TracedSubmission {
  readonly submissionId: string;
  readonly reportedHour: Hour;
  readonly dimension: string;
  /** Exact, as decimal text: also that of other windows and of carries that are inside. */
  readonly quantity: string;
  readonly aggregates: number;
  readonly carries: readonly string[];
  readonly outcome: string;
  readonly acceptedQuantity: string | null;
  readonly usageEventId: string;
  readonly code: string;
  readonly message: string;
}

/** The submissions that a window's usage went into, in order; or why there is none. */
export interface TracedBilling {
  readonly submissions: readonly TracedSubmission[];
  readonly notBilled: string | null;
}

interface Row {
  readonly submission_id: string;
  readonly reported_hour: number;
  readonly dimension: string;
  readonly quantity: string;
  readonly aggregates: string;
  readonly carries: readonly string[];
  readonly outcome: string;
  readonly accepted_quantity: string | null;
  readonly usage_event_id: string;
  readonly code: string;
  readonly message: string;
}

const COLUMNS = `toString(u.submission_id) AS submission_id, toUnixTimestamp(u.reported_hour) AS reported_hour,
  u.dimension AS dimension, toString(u.quantity) AS quantity, toString(length(u.aggregates)) AS aggregates,
  arrayMap(carry -> toString(carry), u.carries) AS carries, u.outcome AS outcome,
  toString(u.accepted_quantity) AS accepted_quantity, u.usage_event_id AS usage_event_id, u.code AS code,
  u.message AS message`;

const submissionOf = (row: Row): TracedSubmission => ({
  submissionId: row.submission_id,
  reportedHour: hourFromSeconds(row.reported_hour),
  dimension: row.dimension,
  quantity: row.quantity,
  aggregates: Number(row.aggregates),
  carries: row.carries,
  outcome: row.outcome,
  acceptedQuantity: row.accepted_quantity,
  usageEventId: row.usage_event_id,
  code: row.code,
  message: row.message,
});

const OF_WINDOW = `${OF_PARTITION}
  AND u.reported_hour = toDateTime({reported:UInt32}, 'UTC')`;

const hourParams = (window: TracedWindow): Readonly<Record<string, unknown>> => ({
  ...partitionParams(window),
  reported: window.reportedHour / 1000,
});

/** The bridge carries within the source partition, always into a later hour: so this ends. */
const carriedInto = async (
  client: ClickHouseClient,
  window: TracedWindow,
  submissionId: string,
): Promise<TracedSubmission | null> => {
  const [row] = await queryRows<Row>(
    client,
    `SELECT ${COLUMNS} FROM commerce_usage AS u
     WHERE u.resource_key = {resource:String} AND has(u.carries, {id:UUID}) LIMIT 1`,
    { resource: asciiLower(window.resourceUri), id: submissionId },
  );
  return row === undefined ? null : submissionOf(row);
};

/** Follows a window to Commerce. */
export const traceBilling = async (
  client: ClickHouseClient,
  window: TracedWindow,
): Promise<TracedBilling> => {
  const [row] = await queryRows<Row>(
    client,
    `SELECT ${COLUMNS} FROM commerce_usage AS u
     WHERE ${OF_WINDOW} AND u.resource_key = {resource:String} AND u.dimension_key = {meter:String}`,
    {
      ...hourParams(window),
      resource: asciiLower(window.resourceUri),
      meter: asciiLower(window.meterId),
    },
  );
  if (row === undefined) {
    return { submissions: [], notBilled: await whyNotBilled(client, window) };
  }
  const submissions = [submissionOf(row)];
  const seen = new Set<string>();
  for (;;) {
    const last = submissions.at(-1);
    if (last?.outcome !== 'carried' || seen.has(last.submissionId)) break;
    seen.add(last.submissionId);
    const next = await carriedInto(client, window, last.submissionId);
    if (next === null) break;
    submissions.push(next);
  }
  return { submissions, notBilled: null };
};

/** In the order in which the bridge decides. */
const whyNotBilled = async (client: ClickHouseClient, window: TracedWindow): Promise<string> => {
  const sources = await readSources(client);
  const source = sources.find(
    ({ topic, epoch }) => topic === window.topic && epoch === window.epoch,
  );
  if (source?.billable === false) return 'its source is not billable: see "usagectl sources list"';
  if (!window.isClosed) return 'its reported hour is still open';
  const [composed] = await queryRows<{ n: string }>(
    client,
    `SELECT toString(count()) AS n FROM compositions AS u FINAL WHERE ${OF_WINDOW}`,
    hourParams(window),
  );
  if (composed?.n === '0') {
    return 'its hour is not composed yet: "usagectl status" says whether the bridge runs';
  }
  const terms = termsOf(await readTerms(client), window.reportedHour);
  const meter = terms === null ? undefined : meterTerms(terms).get(asciiLower(window.meterId));
  if (meter?.billable === false) return 'its meter is not billable';
  if (terms !== null && terms.reporting !== 'on')
    return `the stamp does not report: ${terms.reporting}`;
  return 'its hour was composed without it: see "usagectl reconcile"';
};

import type { ClickHouseClient } from '@clickhouse/client';
import { OF_PARTITION, partitionParams } from '../../shared/clickhouse/of-partition.ts';
import { queryRows } from '../../shared/clickhouse/client.ts';
import { hourFromSeconds } from '../../shared/clickhouse/values.ts';
import { asciiLower, identityKeys } from '../../shared/model/placement.ts';
import { isoText, nextHour, type Hour } from '../../shared/model/time.ts';
import { usageAggregateId } from '../../shared/model/usage-aggregate.ts';
import { uuidText } from '../../shared/model/usage-event.ts';
import { readSources } from '../../shared/sources/register.ts';
import type { TracedWindow } from './windows.ts';

/** A submission to Commerce, and what became of it. */
export interface TracedSubmission {
  readonly submissionId: string;
  readonly reportedHour: Hour;
  readonly dimension: string;
  /** The local meters inside. */
  readonly meters: readonly string[];
  /** Exact, as decimal text: also that of other windows and of carries that are inside. */
  readonly quantity: string;
  readonly aggregates: number;
  readonly carries: readonly string[];
  /** The quantity by month of usage, as decimal texts. */
  readonly usageMonths: Readonly<Record<string, string>>;
  readonly outcome: string;
  /** Why it was not to be sent; empty if it was. */
  readonly reason: string;
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
  readonly meters: readonly string[];
  readonly quantity: string;
  readonly aggregates: string;
  readonly carries: readonly string[];
  readonly months: Readonly<Record<string, string>>;
  readonly outcome: string;
  readonly reason: string;
  readonly accepted_quantity: string | null;
  readonly usage_event_id: string;
  readonly code: string;
  readonly message: string;
}

const COLUMNS = `toString(u.submission_id) AS submission_id, toUnixTimestamp(u.reported_hour) AS reported_hour,
  u.dimension AS dimension, u.meters AS meters, toString(u.quantity) AS quantity, toString(length(u.aggregates)) AS aggregates,
  arrayMap(carry -> toString(carry), u.carries) AS carries,
  mapApply((month, part) -> (month, toString(part)), u.usage_months) AS months,
  u.outcome AS outcome, u.reason AS reason,
  toString(u.accepted_quantity) AS accepted_quantity, u.usage_event_id AS usage_event_id, u.code AS code,
  u.message AS message`;

const submissionOf = (row: Row): TracedSubmission => ({
  submissionId: row.submission_id,
  reportedHour: hourFromSeconds(row.reported_hour),
  dimension: row.dimension,
  meters: row.meters,
  quantity: row.quantity,
  aggregates: Number(row.aggregates),
  carries: row.carries,
  usageMonths: row.months,
  outcome: row.outcome,
  reason: row.reason,
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

/** The aggregate that holds a window's usage. */
const aggregateOf = (window: TracedWindow): string =>
  uuidText(usageAggregateId(window, window.reportedHour, identityKeys(window)));

/** Follows a window to Commerce. */
export const traceBilling = async (
  client: ClickHouseClient,
  window: TracedWindow,
): Promise<TracedBilling> => {
  const [row] = await queryRows<Row>(
    client,
    `SELECT ${COLUMNS} FROM commerce_usage AS u
     WHERE ${OF_WINDOW} AND u.resource_key = {resource:String} AND has(u.aggregates, {aggregate:UUID})`,
    {
      ...hourParams(window),
      resource: asciiLower(window.resourceUri),
      aggregate: aggregateOf(window),
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

const stillOpen = ({ reportedHour }: TracedWindow, hourMillis: number | undefined): string => {
  if (hourMillis === undefined) return 'its reported hour is still open';
  const end = isoText(nextHour(reportedHour, hourMillis));
  return `its reported hour is open until ${end}; it is billed after that`;
};

/** In the order in which the bridge decides. */
const whyNotBilled = async (client: ClickHouseClient, window: TracedWindow): Promise<string> => {
  const sources = await readSources(client);
  const source = sources.find(
    ({ topic, epoch }) => topic === window.topic && epoch === window.epoch,
  );
  if (source?.billable === false) return 'its source is not billable: see "usagectl sources list"';
  if (!window.isClosed) return stillOpen(window, source?.hourMillis);
  const [composed] = await queryRows<{ n: string }>(
    client,
    `SELECT toString(count()) AS n FROM compositions AS u FINAL WHERE ${OF_WINDOW}`,
    hourParams(window),
  );
  if (composed?.n === '0') {
    return 'its hour is not composed yet: "usagectl status" says whether the bridge runs';
  }
  const [unbilled] = await queryRows<{ readonly reason: string }>(
    client,
    `SELECT u.reason AS reason FROM unbilled_usage AS u FINAL
     WHERE ${OF_WINDOW} AND has(u.aggregates, {aggregate:UUID})`,
    { ...hourParams(window), aggregate: aggregateOf(window) },
  );
  return unbilled === undefined
    ? 'its hour was composed without it: see "usagectl bridge reconcile"'
    : (WHY_UNBILLED[unbilled.reason] ?? unbilled.reason);
};

const WHY_UNBILLED: Readonly<Record<string, string>> = {
  'source-not-billable': 'its source is not billable: see "usagectl sources list"',
  infrastructure: 'its subscription belongs to the infrastructure of the stamp',
  admin: 'its meter is an admin meter, which Azure bills at price zero',
  deprecated: 'its meter is deprecated: another one has taken its place',
  'local-only': 'its meter is for local use only',
};

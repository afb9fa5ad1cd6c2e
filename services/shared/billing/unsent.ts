import type { ClickHouseClient } from '@clickhouse/client';
import { queryRows } from '../clickhouse/client.ts';
import { hourFromSeconds } from '../clickhouse/values.ts';
import { isoText, type Hour } from '../model/time.ts';
import { ACCEPTED_FOR_MILLIS } from './accepted-for.ts';
import { unfinishedCompositions } from './unfinished-compositions.ts';

/** Live usage that has not been sent yet. History has no such limit: it is sent as it was agreed with Commerce. */
export interface Unsent {
  /** The oldest reported hour of it. */
  readonly hour: Hour;
  /** Submissions without an outcome. */
  readonly pending: number;
  /** Closed hours of source partitions that are not composed yet. */
  readonly notComposed: number;
}

/**
 * Reads what is still to be sent: submissions without an outcome, and, if the stamp reports, closed hours with
 * windows that nobody has composed, because the bridge is behind or does not run. Null if there is nothing.
 */
export const readUnsent = async (client: ClickHouseClient): Promise<Unsent | null> => {
  const [row] = await queryRows<{
    readonly hour: number | null;
    readonly pending: string;
    readonly not_composed: string;
  }>(
    client,
    `WITH live AS (SELECT topic, epoch FROM sources FINAL WHERE kind = 'live' AND billable),
       composed AS (
         SELECT topic, epoch, partition, max(c.reported_hour) AS last FROM compositions AS c
         WHERE (topic, epoch) IN live GROUP BY topic, epoch, partition),
       waiting AS (
         SELECT u.reported_hour AS hour, u.pending AS pending, 0 AS not_composed
         FROM ${unfinishedCompositions('(c.topic, c.epoch) IN live')} AS u
         UNION ALL
         SELECT DISTINCT w.reported_hour AS hour, 0 AS pending, 1 AS not_composed
         FROM usage_hourly AS w
         INNER JOIN (SELECT topic, epoch, partition, open_hour FROM checkpoints FINAL) AS p
           ON p.topic = w.topic AND p.epoch = w.epoch AND p.partition = w.partition
         LEFT JOIN composed AS d
           ON d.topic = w.topic AND d.epoch = w.epoch AND d.partition = w.partition
         WHERE (w.topic, w.epoch) IN live AND w.reported_hour > d.last AND w.reported_hour < p.open_hour
           AND 'on' IN (SELECT reporting FROM billing_terms ORDER BY effective_from DESC, written_at LIMIT 1)
       )
     SELECT if(count() = 0, NULL, toUnixTimestamp(min(hour))) AS hour,
       toString(sum(pending)) AS pending, toString(sum(not_composed)) AS not_composed
     FROM waiting`,
  );
  if (row === undefined || row.hour === null) return null;
  return {
    hour: hourFromSeconds(row.hour),
    pending: Number(row.pending),
    notComposed: Number(row.not_composed),
  };
};

const HOUR = 3_600_000;

/** How long Commerce will still take the oldest of it, in milliseconds; below zero if it no longer does. */
const unsentFor = ({ hour }: Unsent, now: number): number => hour + ACCEPTED_FOR_MILLIS - now;

/** "oldest unsent hour 2026-11-27T10:00:00Z, 17 hours left before Commerce refuses it" */
export const unsentText = (unsent: Unsent, now: number): string => {
  const left = unsentFor(unsent, now);
  const hours = Math.floor(Math.abs(left) / HOUR);
  const word = `${String(hours)} hour${hours === 1 ? '' : 's'}`;
  return (
    `oldest unsent hour ${isoText(unsent.hour)}, ` +
    (left > 0
      ? `${hours === 0 ? 'less than an hour' : word} left before Commerce refuses it`
      : `which Commerce has refused for ${hours === 0 ? 'less than an hour' : word}`)
  );
};

/** An hour is sent within minutes of its end. Unsent for some hours more, something is wrong. */
const WARN_BELOW_MILLIS = 20 * HOUR;

/** What an operator must know before it is too late; null while there is time, or nothing to send. */
export const unsentProblem = (unsent: Unsent | null, now: number): string | null =>
  unsent === null || unsentFor(unsent, now) > WARN_BELOW_MILLIS
    ? null
    : `usage is not billed: ${unsentText(unsent, now)}; see "usagectl bridge status"`;

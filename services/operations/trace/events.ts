import type { ClickHouseClient, ClickHouseSettings } from '@clickhouse/client';
import { OF_PARTITION, partitionParams } from '../../shared/clickhouse/of-partition.ts';
import { queryRows } from '../../shared/clickhouse/client.ts';
import { hourFromSeconds } from '../../shared/clickhouse/values.ts';
import type { DeadLetterCode } from '../../shared/model/dead-letter.ts';
import type { Identity } from '../../shared/model/event-texts.ts';
import { asciiLower } from '../../shared/model/placement.ts';
import { millis, type Hour, type Millis } from '../../shared/model/time.ts';
import { historyOf, type Disposition } from '../dead-letters/dispositions.ts';
import type { GivenPosition, Position } from '../dead-letters/position.ts';
import type { TracedWindow } from './windows.ts';

/** A row of the ledger. */
export interface AcceptedEvent extends Position, Identity {
  readonly eventId: string;
  readonly reportedTime: Millis;
  readonly reportedHour: Hour;
  readonly usageHour: Hour;
  /** Exact, as decimal text. */
  readonly quantity: string;
}

interface EventRow extends Omit<Position, 'offset'> {
  readonly offset: string;
  readonly event_id: string;
  readonly reported_time: string;
  readonly reported_hour: number;
  readonly usage_hour: number;
  readonly subscription_id: string;
  readonly meter_id: string;
  readonly resource_uri: string;
  readonly quantity: string;
}

const eventsWhere = async (
  client: ClickHouseClient,
  where: string,
  params: Readonly<Record<string, unknown>>,
  settings: ClickHouseSettings = {},
): Promise<readonly AcceptedEvent[]> => {
  const rows = await queryRows<EventRow>(
    client,
    `SELECT topic, epoch, partition, toString(e.offset) AS offset, toString(e.event_id) AS event_id,
       toString(toUnixTimestamp64Milli(e.reported_time)) AS reported_time,
       toUnixTimestamp(e.reported_hour) AS reported_hour, toUnixTimestamp(e.usage_hour) AS usage_hour,
       subscription_id, meter_id, resource_uri, toString(e.quantity) AS quantity
     FROM usage_events AS e FINAL WHERE ${where}
     ORDER BY e.reported_time, topic, epoch, partition, e.offset`,
    params,
    settings,
  );
  return rows.map((row) => ({
    topic: row.topic,
    epoch: row.epoch,
    partition: row.partition,
    offset: Number(row.offset),
    eventId: row.event_id,
    reportedTime: millis(Number(row.reported_time)),
    reportedHour: hourFromSeconds(row.reported_hour),
    usageHour: hourFromSeconds(row.usage_hour),
    subscriptionId: row.subscription_id,
    meterId: row.meter_id,
    resourceUri: row.resource_uri,
    quantity: row.quantity,
  }));
};

/**
 * Lets the engine find an id by its index also where rows may replace one another: those of one event have the same id. Not every version
 * does so by itself.
 */
export const BY_ID = { use_skip_indexes_if_final: 1 } as const;

/** Where an event was accepted: once in a topic. It may be in a history run and in a live topic. */
export const eventsById = (
  client: ClickHouseClient,
  id: string,
): Promise<readonly AcceptedEvent[]> =>
  eventsWhere(client, 'e.event_id = {id:UUID}', { id }, BY_ID);

/** The accepted event of a record. Without an epoch: of each epoch that has it. */
export const eventsAt = (
  client: ClickHouseClient,
  { topic, epoch, partition, offset }: GivenPosition,
): Promise<readonly AcceptedEvent[]> =>
  eventsWhere(
    client,
    `topic = {topic:String} AND partition = {partition:UInt16} AND e.offset = {offset:UInt64}
     ${epoch === null ? '' : 'AND epoch = {epoch:UInt32}'}`,
    { topic, partition, offset, ...(epoch !== null && { epoch }) },
  );

/** The events inside a window. */
export const eventsOf = (
  client: ClickHouseClient,
  window: TracedWindow,
): Promise<readonly AcceptedEvent[]> =>
  eventsWhere(
    client,
    `${OF_PARTITION} AND e.reported_hour = toDateTime({reported:UInt32}, 'UTC') AND e.usage_hour = toDateTime({usage:UInt32}, 'UTC')
     AND lower(subscription_id) = {subscription:String} AND lower(meter_id) = {meter:String}
     AND lower(resource_uri) = {resource:String}`,
    {
      ...partitionParams(window),
      reported: window.reportedHour / 1000,
      usage: window.usageHour / 1000,
      subscription: asciiLower(window.subscriptionId),
      meter: asciiLower(window.meterId),
      resource: asciiLower(window.resourceUri),
    },
  );

/** A dead letter, and what people did about it. */
export interface RefusedRecord extends Position {
  readonly code: DeadLetterCode;
  readonly message: string;
  readonly reportedTime: Millis;
  readonly history: readonly (Disposition & { readonly letter: Position })[];
}

interface LetterRow extends Omit<Position, 'offset'> {
  readonly offset: string;
  readonly code: DeadLetterCode;
  readonly message: string;
  readonly reported_time: string;
}

/** More would not be read. "usagectl dlq list" has all of them. */
const MOST_LETTERS = 20;

const lettersWhere = async (
  client: ClickHouseClient,
  where: string,
  params: Readonly<Record<string, unknown>>,
): Promise<readonly RefusedRecord[]> => {
  const rows = await queryRows<LetterRow>(
    client,
    `SELECT topic, epoch, partition, toString(d.offset) AS offset, code, message,
       toString(toUnixTimestamp64Milli(d.reported_time)) AS reported_time
     FROM dead_letters AS d FINAL WHERE ${where}
     ORDER BY d.reported_time DESC, topic, epoch, partition, d.offset LIMIT ${String(MOST_LETTERS)}`,
    params,
  );
  const found: RefusedRecord[] = [];
  for (const { reported_time: reported, offset, ...row } of rows) {
    const letter = { ...row, offset: Number(offset) };
    const history = await historyOf(client, letter);
    found.push({ ...letter, reportedTime: millis(Number(reported)), history });
  }
  return found;
};

/**
 * Dead letters that hold an event of this id. It stands behind the five bytes of the wire format in every
 * published schema.
 */
export const lettersById = (
  client: ClickHouseClient,
  id: string,
): Promise<readonly RefusedRecord[]> =>
  lettersWhere(client, 'substring(d.record_value, 6, 16) = unhex({id:String})', {
    id: id.replaceAll('-', ''),
  });

export const lettersAt = (
  client: ClickHouseClient,
  { topic, epoch, partition, offset }: GivenPosition,
): Promise<readonly RefusedRecord[]> =>
  lettersWhere(
    client,
    `topic = {topic:String} AND partition = {partition:UInt16} AND d.offset = {offset:UInt64}
     ${epoch === null ? '' : 'AND epoch = {epoch:UInt32}'}`,
    { topic, partition, offset, ...(epoch !== null && { epoch }) },
  );

/** Dead letters whose key or value has this text, in any case. */
export const lettersWith = (
  client: ClickHouseClient,
  text: string,
): Promise<readonly RefusedRecord[]> =>
  lettersWhere(
    client,
    `positionCaseInsensitive(ifNull(d.record_key, ''), {text:String}) > 0
     OR positionCaseInsensitive(ifNull(d.record_value, ''), {text:String}) > 0`,
    { text },
  );

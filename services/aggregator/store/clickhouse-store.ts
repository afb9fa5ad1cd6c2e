import type { ClickHouseClient, ClickHouseSettings } from '@clickhouse/client';
import { insertRows, SEQUENTIAL } from '../../shared/clickhouse/client.ts';
import type { Hour } from '../../shared/model/time.ts';
import type { Checkpoint, Chunk } from '../../shared/usage-fold/chunk.ts';
import { EARLIER_EPOCH, EventTable } from '../../shared/usage-fold/event-table.ts';
import type { LedgerTail } from '../../shared/usage-fold/ledger-tail.ts';
import type { AcceptedLoss, Remnant } from '../../shared/usage-fold/loss.ts';
import { WINDOW_BYTES } from '../../shared/usage-fold/open-windows.ts';
import type { Window, WindowIdentity } from '../../shared/usage-fold/window.ts';
import type { Store } from '../ports.ts';
import {
  LOSS,
  LOST_EVENTS,
  LOST_LETTERS,
  lossFromRow,
  remnantsFromRows,
  type LossRow,
  type LostEventRow,
  type LostLetterRow,
} from './loss-rows.ts';
import { ROLL_UP_DAY } from './roll-up-day.ts';
import {
  CHECKPOINT_COLUMNS,
  checkpointFromRow,
  checkpointRow,
  chunkRows,
  dayRange,
  daySeconds,
  OF_PLACE,
  WINDOW_COLUMNS,
  windowFromRow,
  type CheckpointRow,
  type WindowRow,
} from './rows.ts';
import type { Place } from '../../shared/usage-fold/verdict.ts';

const HOURS_PER_QUERY = 500;

const WINDOWS = `SELECT ${WINDOW_COLUMNS} FROM usage_hourly AS h FINAL
  WHERE ${OF_PLACE} AND reported_hour = toDateTime({hour:UInt32}, 'UTC')`;

/** What the windows of a reported hour would take in memory, as `OpenWindows` reckons it. */
const SIZE_OF_WINDOWS = `SELECT toString(sum(${String(WINDOW_BYTES)} + 3 * (length(subscription_id) + length(meter_id) + length(resource_uri))
    + length(location) + length(coalesce(tags, '')) + length(coalesce(additional_info, '')))) AS bytes
  FROM usage_hourly FINAL WHERE ${OF_PLACE} AND reported_hour = toDateTime({hour:UInt32}, 'UTC')`;

/** Identities stand in the query itself, since parameters travel in the URL; each has at most 3 KiB. */
const IDENTITIES_PER_QUERY = 500;
const MAX_QUERY_BYTES = String(IDENTITIES_PER_QUERY * 16 * 1024);

const textLiteral = (text: string): string =>
  `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

const identityLiteral = (window: WindowIdentity): string =>
  `(toDateTime(${String(window.usageHour / 1000)}, 'UTC'), ${textLiteral(window.subscriptionKey)}, ${textLiteral(window.meterKey)}, ${textLiteral(window.resourceKey)})`;

const OF_HOURS = `e.usage_hour IN (SELECT toDateTime(arrayJoin({hours:Array(UInt32)}), 'UTC'))`;

const IDS = `SELECT toUnixTimestamp(e.usage_hour), e.event_id, toString(e.offset), toString(e.content_digest)
  FROM usage_events AS e WHERE ${OF_PLACE} AND ${OF_HOURS}`;

/**
 * What was accepted in earlier lives of the topic, on whichever partition, up to where each was sealed:
 * what a late owner wrote beyond that does not count.
 */
const EARLIER_IDS = `SELECT toUnixTimestamp(e.usage_hour), e.event_id, '${String(EARLIER_EPOCH)}', toString(e.content_digest)
  FROM usage_events AS e
  INNER JOIN (SELECT topic, epoch, partition, next_offset FROM checkpoints FINAL WHERE sealed) AS c
    ON c.topic = e.topic AND c.epoch = e.epoch AND c.partition = e.partition
  WHERE e.topic = {topic:String} AND e.epoch < {epoch:UInt32} AND e.offset < c.next_offset AND ${OF_HOURS}`;

/** The aggregator's tables in ClickHouse. Inserts are synchronous, and each is one block. */
export class ClickHouseStore implements Store {
  private readonly client: ClickHouseClient;

  constructor(client: ClickHouseClient) {
    this.client = client;
  }

  async checkpoint(place: Place): Promise<Checkpoint | null> {
    const [row] = await this.select<CheckpointRow>(
      place,
      `SELECT ${CHECKPOINT_COLUMNS} FROM checkpoints FINAL WHERE ${OF_PLACE}`,
    );
    return row ? checkpointFromRow(row) : null;
  }

  async windows(
    place: Place,
    reportedHour: Hour,
    maxBytes: number,
  ): Promise<readonly Window[] | null> {
    const hour = { hour: reportedHour / 1000 };
    const [size] = await this.select<{ bytes: string }>(place, SIZE_OF_WINDOWS, hour);
    if (Number(size?.bytes ?? 0) > maxBytes) return null;
    const rows = await this.select<WindowRow>(place, WINDOWS, hour);
    return rows.map(windowFromRow);
  }

  async windowsOf(
    place: Place,
    reportedHour: Hour,
    identities: readonly WindowIdentity[],
  ): Promise<readonly Window[]> {
    const found: Window[] = [];
    for (let from = 0; from < identities.length; from += IDENTITIES_PER_QUERY) {
      const keys = identities.slice(from, from + IDENTITIES_PER_QUERY).map(identityLiteral);
      const rows = await this.select<WindowRow>(
        place,
        `${WINDOWS} AND (usage_hour, subscription_key, meter_key, resource_key) IN (${keys.join()})`,
        { hour: reportedHour / 1000 },
        { max_query_size: MAX_QUERY_BYTES },
      );
      found.push(...rows.map(windowFromRow));
    }
    return found;
  }

  async *windowsInOrder(place: Place, reportedHour: Hour): AsyncIterable<readonly Window[]> {
    const result = await this.client.query({
      query: `${WINDOWS} ORDER BY subscription_key, meter_key, resource_key, h.usage_hour`,
      query_params: { ...paramsOf(place), hour: reportedHour / 1000 },
      format: 'JSONEachRow',
      clickhouse_settings: SEQUENTIAL,
    });
    for await (const rows of result.stream<WindowRow>()) {
      yield rows.map((row) => windowFromRow(row.json()));
    }
  }

  async ledgerTail(place: Place, checkpoint: Checkpoint): Promise<LedgerTail> {
    const rows = await this.select<{ offset: string; event_id: string }>(
      place,
      `SELECT DISTINCT toString(e.offset) AS offset, event_id FROM usage_events AS e
       WHERE ${OF_PLACE} AND reported_hour >= toDateTime({hour:UInt32}, 'UTC')
         AND e.offset >= {next:UInt64}`,
      { hour: checkpoint.closedThrough / 1000, next: checkpoint.nextOffset },
    );
    const ids = new Map(rows.map((row) => [Number(row.offset), row.event_id]));
    let lastOffset = -1;
    for (const offset of ids.keys()) lastOffset = Math.max(lastOffset, offset);
    return { ids, lastOffset };
  }

  async loss(place: Place, nextOffset: number, sealed: boolean): Promise<AcceptedLoss | null> {
    const [row] = await this.select<LossRow>(place, LOSS, { next: nextOffset, sealed });
    return row ? lossFromRow(row) : null;
  }

  async remnants(place: Place, from: number, to: number): Promise<readonly Remnant[]> {
    const range = { from, to };
    const accepted = await this.select<LostEventRow>(place, LOST_EVENTS, range);
    const letters = await this.select<LostLetterRow>(place, LOST_LETTERS, range);
    return remnantsFromRows(accepted, letters);
  }

  async eventTables(
    place: Place,
    usageHours: readonly Hour[],
  ): Promise<ReadonlyMap<Hour, EventTable>> {
    const tables = new Map(usageHours.map((hour) => [hour, new EventTable()]));
    // The hours travel in the URL, whose length servers limit.
    for (let from = 0; from < usageHours.length; from += HOURS_PER_QUERY) {
      await this.fillTables(place, usageHours.slice(from, from + HOURS_PER_QUERY), tables);
    }
    return tables;
  }

  private async fillTables(
    place: Place,
    usageHours: readonly Hour[],
    tables: ReadonlyMap<Hour, EventTable>,
  ): Promise<void> {
    const result = await this.client.query({
      query: place.epoch === 1 ? IDS : `${IDS} UNION ALL ${EARLIER_IDS}`,
      query_params: { ...paramsOf(place), hours: usageHours.map((hour) => hour / 1000) },
      format: 'JSONCompactEachRow',
      clickhouse_settings: SEQUENTIAL,
    });
    for await (const rows of result.stream<[number, string, string, string]>()) {
      for (const row of rows) {
        const [hour, id, offset, digest] = row.json();
        const bytes = Buffer.from(id.replaceAll('-', ''), 'hex');
        tables.get((hour * 1000) as Hour)?.add(bytes, Number(offset), BigInt(digest));
      }
    }
  }

  writeLedger(place: Place, chunk: Chunk): Promise<void> {
    return insertRows(this.client, 'usage_events', chunkRows.ledger(place, chunk));
  }

  writeWindows(place: Place, chunk: Chunk): Promise<void> {
    return insertRows(this.client, 'usage_hourly', chunkRows.windows(place, chunk));
  }

  writeDeadLetters(place: Place, chunk: Chunk): Promise<void> {
    return insertRows(this.client, 'dead_letters', chunkRows.deadLetters(place, chunk), {
      namesColumns: true,
      large: true,
    });
  }

  async rollUpDay(place: Place, closedHour: Hour): Promise<void> {
    await this.client.command({
      query: ROLL_UP_DAY,
      query_params: {
        ...paramsOf(place),
        ...dayRange(place, closedHour),
        daySeconds: daySeconds(place),
      },
      clickhouse_settings: SEQUENTIAL,
    });
  }

  writeCheckpoint(checkpoint: Checkpoint): Promise<void> {
    return insertRows(this.client, 'checkpoints', [checkpointRow(checkpoint)]);
  }

  private async select<Row>(
    place: Place,
    query: string,
    params: Record<string, unknown> = {},
    settings: ClickHouseSettings = {},
  ): Promise<Row[]> {
    const result = await this.client.query({
      query,
      query_params: { ...paramsOf(place), ...params },
      format: 'JSONEachRow',
      clickhouse_settings: { ...SEQUENTIAL, ...settings },
    });
    return result.json<Row>();
  }
}

const paramsOf = ({ topic, epoch, partition }: Place): Record<string, unknown> => ({
  topic,
  epoch,
  partition,
});

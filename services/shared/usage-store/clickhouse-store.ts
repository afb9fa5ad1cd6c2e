import type { ClickHouseClient, ClickHouseSettings } from '@clickhouse/client';
import { insertPacked, insertRows, SEQUENTIAL } from '../clickhouse/client.ts';
import { OF_PARTITION, partitionParams } from '../clickhouse/of-partition.ts';
import { rowBinary, wholeRowBinary } from '../clickhouse/row-binary.ts';
import { SharedWrites, type Shared } from '../clickhouse/shared-writes.ts';
import { partitionName } from '../model/source.ts';
import type { Hour } from '../model/time.ts';
import type { Checkpoint, ChunkRows } from '../usage-fold/chunk.ts';
import { EARLIER_EPOCH, EventTable } from '../usage-fold/event-table.ts';
import type { DeadLetter } from '../usage-fold/fold.ts';
import { monthOf } from '../usage-fold/in-months.ts';
import type { LedgerTail } from '../usage-fold/ledger-tail.ts';
import type { AcceptedLoss, Remnant } from '../usage-fold/loss.ts';
import { STORED_WINDOW_COLUMNS, StoredWindows } from '../usage-fold/packed/stored-windows.ts';
import { joined } from '../usage-fold/packed/segment.ts';
import type { Window, WindowIdentity } from '../usage-fold/window.ts';
import { idColumns, IdRows } from './id-rows.ts';
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
import { ROLL_UP_DAYS } from './roll-up-days.ts';
import {
  CHECKPOINT_COLUMNS,
  checkpointFromRow,
  checkpointRow,
  daysOf,
  deadLetterRow,
  WINDOW_COLUMNS,
  windowFromRow,
  type CheckpointRow,
  type WindowRow,
} from './rows.ts';
import type { Rows } from '../usage-fold/rows.ts';
import type { Place } from '../usage-fold/place.ts';

const HOURS_PER_QUERY = 500;

/**
 * Windows are sorted by hour and key, so those of one partition are scattered over an hour. This setting makes the
 * engine leave the rest out before it merges versions of rows, as it does by itself without FINAL. It moves only
 * conditions on the sorting key, which all versions of a row have in common.
 */
const OF_ONE_PARTITION = { ...SEQUENTIAL, optimize_move_to_prewhere_if_final: 1 } as const;

/** The usage tables by what they hold. A repair folds into other tables of the same layout. */
export type UsageTables = Readonly<Record<'ledger' | 'windows' | 'deadLetters', string>>;

export const USAGE_TABLES: UsageTables = {
  ledger: 'usage_events',
  windows: 'usage_hourly',
  deadLetters: 'dead_letters',
};

const windowsIn = ({ windows }: UsageTables, columns = WINDOW_COLUMNS): string => `SELECT ${columns}
  FROM ${windows} AS h FINAL
  WHERE ${OF_PARTITION} AND reported_hour = toDateTime({hour:UInt32}, 'UTC')`;

/**
 * Identities are written into the query itself, because parameters travel in the URL. Each has at most 3
 * KiB.
 */
const IDENTITIES_PER_QUERY = 500;
const MAX_QUERY_BYTES = String(IDENTITIES_PER_QUERY * 16 * 1024);

const textLiteral = (text: string): string =>
  `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

const identityLiteral = (window: WindowIdentity): string =>
  `(toDateTime(${String(window.usageHour / 1000)}, 'UTC'), ${textLiteral(window.subscriptionKey)}, ${textLiteral(window.meterKey)}, ${textLiteral(window.resourceKey)})`;

const OF_HOURS = `e.usage_hour IN (SELECT toDateTime(arrayJoin({hours:Array(UInt32)}), 'UTC'))`;

const idsIn = ({ ledger }: UsageTables): string =>
  `SELECT ${idColumns()}
  FROM ${ledger} AS e WHERE ${OF_PARTITION} AND ${OF_HOURS} AND e.offset < {before:UInt64}`;

/** Greater than any offset of a log. */
const NO_END = Number.MAX_SAFE_INTEGER;

/**
 * The ids accepted in earlier epochs of the topic, on any partition, up to the offset at which each epoch
 * was sealed. What a delayed owner wrote after that offset does not count.
 */
const EARLIER_IDS = `SELECT ${idColumns(`toInt64(${String(EARLIER_EPOCH)})`)}
  FROM usage_events AS e
  INNER JOIN (SELECT topic, epoch, partition, next_offset FROM checkpoints FINAL WHERE sealed) AS c
    ON c.topic = e.topic AND c.epoch = e.epoch AND c.partition = e.partition
  WHERE e.topic = {topic:String} AND e.epoch < {epoch:UInt32} AND e.offset < c.next_offset AND ${OF_HOURS}`;

interface PackedInsert extends Shared {
  readonly table: string;
  /** The same for all inserts into a table. */
  readonly columns: readonly string[];
  readonly blocks: readonly Uint8Array[];
}

interface CheckpointInsert extends Shared {
  readonly checkpoint: Checkpoint;
}

/**
 * The aggregator's tables in ClickHouse. Inserts are synchronous, and each insert is one block. Partitions that write at
 * the same time share inserts.
 */
export class ClickHouseStore {
  private readonly client: ClickHouseClient;
  private readonly tables: UsageTables;
  private readonly inserts: SharedWrites<PackedInsert>;
  private readonly checkpoints: SharedWrites<CheckpointInsert>;

  constructor(client: ClickHouseClient, tables: UsageTables = USAGE_TABLES) {
    this.client = client;
    this.tables = tables;
    this.inserts = new SharedWrites(async (items) => {
      const [first] = items;
      if (!first) return;
      const blocks = items.flatMap((item) => item.blocks);
      await insertPacked(client, first.table, first.columns, blocks);
    });
    this.checkpoints = new SharedWrites((items) =>
      insertRows(
        client,
        'checkpoints',
        items.map(({ checkpoint }) => checkpointRow(checkpoint)),
      ),
    );
  }

  async checkpoint(place: Place): Promise<Checkpoint | null> {
    const [row] = await this.select<CheckpointRow>(
      place,
      `SELECT ${CHECKPOINT_COLUMNS} FROM checkpoints FINAL WHERE ${OF_PARTITION}`,
    );
    return row ? checkpointFromRow(row) : null;
  }

  async windows(
    place: Place,
    reportedHour: Hour,
    maxBytes: number,
  ): Promise<Iterable<Window> | null> {
    const query = windowsIn(this.tables, STORED_WINDOW_COLUMNS.join());
    const params = { ...partitionParams(place), hour: reportedHour / 1000 };
    const bytes = await wholeRowBinary(this.client, query, params, OF_ONE_PARTITION, maxBytes);
    return bytes === null ? null : new StoredWindows(bytes);
  }

  async storedWindows(
    place: Place,
    reportedHour: Hour,
    identities: readonly WindowIdentity[],
  ): Promise<readonly Window[]> {
    const found: Window[] = [];
    for (let from = 0; from < identities.length; from += IDENTITIES_PER_QUERY) {
      const keys = identities.slice(from, from + IDENTITIES_PER_QUERY).map(identityLiteral);
      const rows = await this.select<WindowRow>(
        place,
        `${windowsIn(this.tables)} AND (usage_hour, subscription_key, meter_key, resource_key) IN (${keys.join()})`,
        { hour: reportedHour / 1000 },
        { max_query_size: MAX_QUERY_BYTES },
      );
      found.push(...rows.map(windowFromRow));
    }
    return found;
  }

  async *windowsInOrder(place: Place, reportedHour: Hour): AsyncIterable<readonly Window[]> {
    const result = await this.client.query({
      query: `${windowsIn(this.tables)} ORDER BY subscription_key, meter_key, resource_key, h.usage_hour`,
      query_params: { ...partitionParams(place), hour: reportedHour / 1000 },
      format: 'JSONEachRow',
      clickhouse_settings: OF_ONE_PARTITION,
    });
    for await (const rows of result.stream<WindowRow>()) {
      yield rows.map((row) => windowFromRow(row.json()));
    }
  }

  async ledgerTail(place: Place, checkpoint: Checkpoint): Promise<LedgerTail> {
    const rows = await this.select<{ offset: string; event_id: string }>(
      place,
      `SELECT DISTINCT toString(e.offset) AS offset, event_id FROM usage_events AS e
       WHERE ${OF_PARTITION} AND reported_hour >= toDateTime({hour:UInt32}, 'UTC')
         AND e.offset >= {next:UInt64}`,
      { hour: checkpoint.openHour / 1000, next: checkpoint.nextOffset },
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
    await this.addIds(place, tables);
    return tables;
  }

  /** Adds to the tables of usage hours the ids accepted at offsets before `end` and in earlier epochs. */
  async addIds(
    place: Place,
    tables: ReadonlyMap<Hour, EventTable>,
    end: number = NO_END,
  ): Promise<void> {
    const usageHours = [...tables.keys()];
    // The hours travel in the URL, whose length servers limit.
    for (let from = 0; from < usageHours.length; from += HOURS_PER_QUERY) {
      const some = usageHours.slice(from, from + HOURS_PER_QUERY);
      await this.addIdsOf(place, some, tables, end);
    }
  }

  private async addIdsOf(
    place: Place,
    usageHours: readonly Hour[],
    tables: ReadonlyMap<Hour, EventTable>,
    before: number,
  ): Promise<void> {
    const ids = idsIn(this.tables);
    const query = place.epoch === 1 ? ids : `${ids} UNION ALL ${EARLIER_IDS}`;
    const hours = usageHours.map((hour) => hour / 1000);
    const rows = new IdRows(tables);
    const params = { ...partitionParams(place), hours, before };
    for await (const part of rowBinary(this.client, query, params)) rows.take(part);
    rows.end();
  }

  /** Writes the ledger of chunks. It is one block, and therefore atomic, if all are of one reported month. */
  writeLedger(place: Place, chunks: readonly ChunkRows[]): Promise<void> {
    const months = new Set(chunks.map(monthOf));
    return this.insertPacked(
      place,
      this.tables.ledger,
      [...months].join(),
      chunks.map(({ ledger }) => ledger),
    );
  }

  writeWindows(place: Place, chunks: readonly ChunkRows[]): Promise<void> {
    return this.insertPacked(
      place,
      this.tables.windows,
      '',
      chunks.map(({ windows }) => windows),
    );
  }

  writeDeadLetters(place: Place, letters: readonly DeadLetter[]): Promise<void> {
    const rows = letters.map((letter) => deadLetterRow(place, letter));
    const { deadLetters } = this.tables;
    return insertRows(this.client, deadLetters, rows, { namesColumns: true, large: true });
  }

  /** Inserts rows as one block, with those of other partitions that go to the same place. */
  private insertPacked(
    place: Place,
    table: string,
    group: string,
    given: readonly Rows<unknown>[],
  ): Promise<void> {
    const some = joined(given.filter(({ length }) => length > 0));
    if (some.length === 0) return Promise.resolve();
    const packed = some.map((rows) => {
      if (!rows.packed) throw new Error(`rows of ${table} are not packed`);
      return rows.packed();
    });
    return this.inserts.add(`${table} ${group}`, {
      writer: partitionName(place),
      table,
      columns: packed[0]?.columns ?? [],
      blocks: packed.flatMap(({ bytes }) => bytes),
      rows: some.reduce((sum, { length }) => sum + length, 0),
      bytes: packed.reduce((sum, { memory }) => sum + memory, 0),
    });
  }

  async rollUpDays(place: Place, first: Hour, last: Hour): Promise<void> {
    await this.client.command({
      query: ROLL_UP_DAYS,
      query_params: { ...partitionParams(place), ...daysOf(place, first, last) },
      clickhouse_settings: OF_ONE_PARTITION,
    });
  }

  writeCheckpoint(checkpoint: Checkpoint): Promise<void> {
    const writer = partitionName(checkpoint);
    return this.checkpoints.add('checkpoints', { writer, checkpoint, rows: 1, bytes: 0 });
  }

  private async select<Row>(
    place: Place,
    query: string,
    params: Record<string, unknown> = {},
    settings: ClickHouseSettings = {},
  ): Promise<Row[]> {
    const result = await this.client.query({
      query,
      query_params: { ...partitionParams(place), ...params },
      format: 'JSONEachRow',
      clickhouse_settings: { ...SEQUENTIAL, ...settings },
    });
    return result.json<Row>();
  }
}

import type { ClickHouseClient } from '@clickhouse/client';
import { queryRows } from '../shared/clickhouse/client.ts';
import { wholeRowBinary } from '../shared/clickhouse/row-binary.ts';
import type { SourceId } from '../shared/model/source.ts';
import { readCoverage, type Coverage } from '../shared/sources/coverage.ts';
import { sourcesParam } from '../shared/usage-store/usage-buckets.ts';
import { roomFor } from '../shared/usage-store/visible-sql.ts';
import { Recent } from '../shared/model/recent.ts';
import { HOUR_MILLIS } from '../shared/model/time.ts';
import type { RowKey } from './continuation-token.ts';
import type { Visible } from './caller.ts';
import { readRestatements, type Restatement } from '../shared/sources/restated-hours.ts';
import { KeptPages, pageName } from './kept-pages.ts';
import { isOneBucket, pageSql, type PageForm, type PageLimits } from './page-sql.ts';
import { EMPTY_PAGE, pagesOf, type PageText, type PlacedPage } from './page-text.ts';
import { StoredRows } from './stored-rows.ts';
import { type UsageQuery, type VisibleQuery } from './usage-query.ts';

/** ClickHouse's DateTime begins in 1970; nothing was reported before that. */
const seconds = (instant: number): number => Math.max(0, instant / 1000);

const isEmpty = (visible: Visible): boolean => !('allBut' in visible) && visible.length === 0;

/** What the pages of an answer depend on. */
export interface LastingAnswer {
  /** The digest of the answer: pages with the same one never change. */
  readonly digest: string;
  /** The subscription in the path, which stands in each row. */
  readonly caller: string;
  /** Whether no restatement has begun since the digest was computed. */
  readonly isUnchanged: () => Promise<boolean>;
}

/** Pages that are read at once when a caller continues from one page to the next. */
const PAGES_AT_ONCE = 4;

/** With the longest tags a page has 130 MB. Several of them are read at once only up to this. */
const MAX_AHEAD_BYTES = 64 * 1024 * 1024;

/** Where pages begin, and in what. */
interface Place {
  readonly query: VisibleQuery;
  readonly sources: readonly SourceId[];
  readonly after: RowKey | null;
  readonly pageRows: number;
}

/** How a store reads. */
export interface StoreOptions {
  readonly hourMillis?: number;
  /**
   * The milliseconds for which coverage and restatements that were just read are good enough for the next
   * pages of an answer: the engine answers one statement in the time of a page that was kept.
   */
  readonly recentMillis?: number;
}

/** Reads closed usage from ClickHouse. */
export class UsageStore {
  private readonly client: ClickHouseClient;
  private readonly limits: PageLimits;
  private readonly kept = new KeptPages();
  /** Pages that are being read, by their names. */
  private readonly reading = new Map<string, Promise<PageText | null>>();
  private readonly recentCoverage: Recent<Coverage>;
  private readonly recentRestatements: Recent<readonly Restatement[]>;

  /** @param timeLimitSeconds after which the engine cancels a query */
  constructor(
    client: ClickHouseClient,
    timeLimitSeconds: number,
    { hourMillis = HOUR_MILLIS, recentMillis = 0 }: StoreOptions = {},
  ) {
    this.client = client;
    this.limits = { timeLimitSeconds, hourMillis };
    this.recentCoverage = new Recent(recentMillis);
    this.recentRestatements = new Recent(recentMillis);
  }

  /** @param mayBeRecent whether it may be as it was a moment ago */
  coverage(mayBeRecent = false): Promise<Coverage> {
    return this.recentCoverage.of('', mayBeRecent, () => readCoverage(this.client));
  }

  /**
   * A page of a closed range, in the order of the keys of its rows.
   * @param sources the sources that answer for the range, see `countedSources`
   * @returns null if a restatement has begun while it was read, so that old rows and new ones may be mixed
   */
  async page(
    query: VisibleQuery,
    sources: readonly SourceId[],
    after: RowKey | null,
    pageRows: number,
    answer: LastingAnswer,
  ): Promise<PageText | null> {
    if (sources.length === 0 || isEmpty(query.visible)) return EMPTY_PAGE;
    const name = pageName(answer.digest, after);
    const kept = this.kept.get(name);
    if (kept !== null) return kept;
    // Callers of the same page at the same time get what is read for the first of them.
    const reading =
      this.reading.get(name) ??
      this.readPages({ query, sources, after, pageRows }, answer).finally(() =>
        this.reading.delete(name),
      );
    this.reading.set(name, reading);
    return reading;
  }

  private async readPages(from: Place, answer: LastingAnswer): Promise<PageText | null> {
    // A caller that asks for a second page is likely to ask for all of them.
    const ahead = from.after === null ? null : await this.pagesFrom(from, answer, PAGES_AT_ONCE);
    const found = ahead ?? (await this.pagesFrom(from, answer, 1)) ?? [];
    // Pages are kept only after this, because they are returned without another look.
    if (!(await answer.isUnchanged())) return null;
    for (const page of found) this.kept.keep(pageName(answer.digest, page.after), page);
    return found[0] ?? EMPTY_PAGE;
  }

  /** So many pages, or fewer if there are no more; null if several are too long to be read at once. */
  private async pagesFrom(
    from: Place,
    { caller }: LastingAnswer,
    count: number,
  ): Promise<readonly PlacedPage[] | null> {
    const { query, after, pageRows } = from;
    const limit = count * pageRows + 1;
    const maxBytes = count === 1 ? null : MAX_AHEAD_BYTES;
    const forms: readonly PageForm[] = isOneBucket(query, this.limits.hourMillis)
      ? ['as-stored', 'added-up']
      : ['added-up'];
    for (const form of forms) {
      const bytes = await this.read(from, limit, form, maxBytes);
      if (bytes === null) return null;
      const rows = new StoredRows(bytes, limit);
      const pages = pagesOf(rows, after, pageRows, caller);
      // Where many rows have the same key, they fill no page: then the engine adds them up.
      if (pages.length > 0 || !rows.more) return pages;
    }
    return [];
  }

  /** Rows for `StoredRows`; null if they are more than `maxBytes`. */
  private async read(
    { query, sources, after }: Place,
    limit: number,
    form: PageForm,
    maxBytes: number | null,
  ): Promise<Buffer | null> {
    const statement = pageSql(query, after, this.limits, form);
    const params = {
      from: seconds(query.from),
      to: seconds(query.to),
      sources: sourcesParam(sources),
      limit,
      ...(query.subscriberId !== null && { subscriber: query.subscriberId }),
      ...after,
    };
    return wholeRowBinary(this.client, statement, params, roomFor(statement), maxBytes);
  }

  /**
   * What was restated in a range after it had closed, in any source.
   * @param mayBeRecent whether it may be as it was a moment ago
   */
  restatements(query: UsageQuery, mayBeRecent = false): Promise<readonly Restatement[]> {
    const name = `${String(query.from)}/${String(query.to)}`;
    return this.recentRestatements.of(name, mayBeRecent, () =>
      readRestatements(this.client, query),
    );
  }

  /** Whether ClickHouse answers and has the tables. */
  async hasTables(): Promise<boolean> {
    const names = ['sources', 'checkpoints', 'usage_hourly', 'usage_daily'];
    const [found] = await queryRows<{ tables: string }>(
      this.client,
      `SELECT toString(count()) AS tables FROM system.tables
       WHERE database = currentDatabase() AND name IN {names:Array(String)}`,
      { names },
    );
    return found?.tables === String(names.length);
  }
}

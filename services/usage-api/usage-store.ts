import type { ClickHouseClient } from '@clickhouse/client';
import { queryRows, SEQUENTIAL } from '../shared/clickhouse/client.ts';
import type { SourceId } from '../shared/model/source.ts';
import { readCoverage, type Coverage } from '../shared/sources/coverage.ts';
import { sourcesParam } from '../shared/usage-store/usage-buckets.ts';
import { roomFor } from '../shared/usage-store/visible-sql.ts';
import { Recent } from '../shared/model/recent.ts';
import { HOUR_MILLIS } from '../shared/model/time.ts';
import type { RowKey } from './continuation-token.ts';
import type { Visible } from './caller.ts';
import { readRestatements, type Restatement } from '../shared/sources/restated-hours.ts';
import { PAGES_AT_ONCE, PagesAhead } from './pages-ahead.ts';
import { pageSql, usageRowOf, type PageColumns, type PageLimits } from './page-sql.ts';
import { type UsageQuery, type VisibleQuery } from './usage-query.ts';
import type { UsageRow } from './usage-row.ts';

/** ClickHouse's DateTime begins in 1970; nothing was reported before that. */
const seconds = (instant: number): number => Math.max(0, instant / 1000);

const isEmpty = (visible: Visible): boolean => !('allBut' in visible) && visible.length === 0;

/** What the rows of an answer depend on. */
export interface LastingAnswer {
  /** The digest of the answer: rows with the same one never change. */
  readonly digest: string;
  /** Whether no restatement has begun since it was computed. */
  readonly isUnchanged: () => Promise<boolean>;
}

/** How a store reads. */
export interface StoreOptions {
  readonly hourMillis?: number;
  /**
   * The milliseconds for which coverage and restatements that were just read are good enough for the next
   * pages of an answer: the engine answers one statement in the time of a page that was read ahead.
   */
  readonly recentMillis?: number;
}

/** Reads closed usage from ClickHouse. */
export class UsageStore {
  private readonly client: ClickHouseClient;
  private readonly limits: PageLimits;
  private readonly ahead = new PagesAhead();
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
   * At most `limit` rows of a closed range, in the order of their keys.
   * @param sources the sources that answer for the range, see `countedSources`
   * @param answer the answer to which they belong; with it, several pages are read at once. All of them must have the same limit.
   * @returns null if a restatement has begun while they were read, so that old rows and new ones may be mixed
   */
  async rows(
    query: VisibleQuery,
    sources: readonly SourceId[],
    after: RowKey | null,
    limit: number,
    { digest, isUnchanged }: LastingAnswer,
  ): Promise<readonly UsageRow[] | null> {
    if (sources.length === 0 || isEmpty(query.visible)) return [];
    const held = after === null ? null : this.ahead.take(digest, after);
    if (held !== null) return held;
    const pageRows = limit - 1;
    // A caller that asks for a second page is likely to ask for all of them.
    const asked = after === null ? limit : PAGES_AT_ONCE * pageRows + 1;
    const rows = await this.read(query, sources, after, asked);
    // Pages are kept only after this, because they are returned without another look.
    if (!(await isUnchanged())) return null;
    return after === null ? rows : this.ahead.split(digest, rows, pageRows);
  }

  /** The same, whether or not a restatement is at work. */
  async read(
    query: VisibleQuery,
    sources: readonly SourceId[],
    after: RowKey | null,
    limit: number,
  ): Promise<readonly UsageRow[]> {
    const statement = pageSql(query, after, this.limits);
    const result = await this.client.query({
      query: statement,
      query_params: {
        from: seconds(query.from),
        to: seconds(query.to),
        sources: sourcesParam(sources),
        limit,
        ...(query.subscriberId !== null && { subscriber: query.subscriberId }),
        ...after,
      },
      // One document of lists. With names in each row, and row by row, reading takes twice as long.
      format: 'JSONCompact',
      // In this format the client would not notice an error after the first rows.
      clickhouse_settings: {
        ...SEQUENTIAL,
        wait_end_of_query: 1,
        ...roomFor(statement),
      },
    });
    const { data } = await result.json<PageColumns>();
    return data.map(usageRowOf);
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

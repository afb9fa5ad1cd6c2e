import type { ClickHouseClient } from '@clickhouse/client';
import { queryRows } from '../../shared/clickhouse/client.ts';
import { asciiLower } from '../../shared/model/placement.ts';
import type { Hour } from '../../shared/model/time.ts';

/** A resource with usage. */
export interface FoundResource {
  /** In lower case. */
  readonly key: string;
  readonly uri: string;
  readonly firstUsageHour: Hour;
  readonly lastUsageHour: Hour;
}

export interface FoundResources {
  /** The one that was meant; null if there is none, or it is not clear. */
  readonly meant: FoundResource | null;
  /** All that match, up to a limit, the nearest first. */
  readonly candidates: readonly FoundResource[];
  readonly hasMore: boolean;
}

interface Row {
  readonly key: string;
  readonly uri: string;
  readonly first: number;
  readonly last: number;
  /** 0: all of it; 1: its last parts; 2: somewhere in it. */
  readonly how: 0 | 1 | 2;
}

const MOST = 20;

/** Resources whose URI is this text, ends with it as whole parts of the path, or has it somewhere. */
export const findResources = async (
  client: ClickHouseClient,
  text: string,
): Promise<FoundResources> => {
  const name = asciiLower(text.trim()).replace(/\/+$/, '');
  const rows = await queryRows<Row>(
    client,
    `SELECT resource_key AS key, any(h.resource_uri) AS uri, toUnixTimestamp(min(h.usage_hour)) AS first,
       toUnixTimestamp(max(h.usage_hour)) AS last,
       multiIf(key = {name:String}, 0, endsWith(key, {tail:String}), 1, 2) AS how
     FROM usage_hourly AS h FINAL WHERE position(h.resource_key, {name:String}) > 0
     GROUP BY resource_key ORDER BY how, max(h.usage_hour) DESC, key LIMIT ${String(MOST + 1)}`,
    { name, tail: `/${name.replace(/^\/+/, '')}` },
  );
  const [best] = rows;
  const nearest = rows.filter(({ how }) => how === best?.how);
  const candidates = rows.slice(0, MOST).map(resourceOf);
  return {
    meant: nearest.length === 1 ? (candidates[0] ?? null) : null,
    candidates,
    hasMore: rows.length > MOST,
  };
};

const resourceOf = ({ key, uri, first, last }: Row): FoundResource => ({
  key,
  uri,
  firstUsageHour: (first * 1000) as Hour,
  lastUsageHour: (last * 1000) as Hour,
});

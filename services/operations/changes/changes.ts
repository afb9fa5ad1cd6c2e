import type { ClickHouseClient } from '@clickhouse/client';
import { queryRows } from '../../shared/clickhouse/client.ts';
import { millis, type Millis } from '../../shared/model/time.ts';

/** Something that a person changed. */
export interface Change {
  readonly at: Millis;
  readonly actor: string;
  readonly kind: string;
  /** What was changed: a topic, a partition, a run or an hour. */
  readonly subject: string;
  readonly reason: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** Which changes to return; null means no condition. */
export interface ChangeFilter {
  readonly since: Millis | null;
  /** Exclusive. */
  readonly until: Millis | null;
  readonly kinds: readonly string[] | null;
  readonly actor: string | null;
  /** The subject is this topic or a part of it, such as a partition. */
  readonly topic: string | null;
}

/**
 * All tables that record what people changed, in one form. A command that changes many rows is recorded in
 * `operations` when it is done; its rows are in a table of their own from the first row on. Rows that were
 * written together are one change.
 */
const CHANGES = `
  SELECT toUnixTimestamp64Milli(o.at) AS at, o.actor AS actor, toString(o.kind) AS kind, o.subject AS subject,
    JSONExtractString(o.detail, 'reason') AS reason, o.detail AS detail
  FROM operations AS o
  UNION ALL
  SELECT toUnixTimestamp64Milli(d.at) AS at, d.actor AS actor, concat('dead-letters: ', toString(d.disposition)) AS kind,
    concat(d.topic, '/', toString(d.epoch), '[', toString(d.partition), ']') AS subject, d.reason AS reason,
    toJSONString(map('letters', toString(count()), 'firstOffset', toString(min(d.offset)), 'lastOffset', toString(max(d.offset)))) AS detail
  FROM dispositions AS d
  GROUP BY d.at, d.actor, d.disposition, d.topic, d.epoch, d.partition, d.reason
  UNION ALL
  SELECT toUnixTimestamp64Milli(toDateTime64(a.at, 3)) AS at, a.actor AS actor, 'adjustment' AS kind, toString(a.topic) AS subject,
    a.reason AS reason,
    toJSONString(map('id', toString(a.adjustment_id), 'resource', a.resource_uri, 'meter', a.meter_id,
      'usageHour', formatDateTime(a.usage_hour, '%Y-%m-%dT%H:%i:%SZ', 'UTC'), 'quantity', toString(a.quantity))) AS detail
  FROM (SELECT * FROM adjustments ORDER BY at LIMIT 1 BY adjustment_id) AS a
  UNION ALL
  SELECT toUnixTimestamp64Milli(l.accepted_at) AS at, toString(l.actor) AS actor, 'loss' AS kind,
    concat(l.topic, '/', toString(l.epoch), '[', toString(l.partition), ']') AS subject, l.reason AS reason,
    toJSONString(map('fromOffset', toString(l.from_offset), 'nextOffset', toString(l.next_offset), 'ended', toString(l.ended))) AS detail
  FROM losses AS l
  UNION ALL
  SELECT toUnixTimestamp64Milli(r.at) AS at, r.actor AS actor, 'restatement' AS kind,
    concat(r.topic, '/', toString(r.epoch)) AS subject, r.reason AS reason,
    toJSONString(map('generation', toString(r.generation), 'hours', toString(uniqExact(r.reported_hour)),
      'windows', toString(sum(r.windows)), 'firstHour', formatDateTime(min(r.reported_hour), '%Y-%m-%dT%H:%i:%SZ', 'UTC'),
      'lastHour', formatDateTime(max(r.reported_hour), '%Y-%m-%dT%H:%i:%SZ', 'UTC'))) AS detail
  FROM restatements AS r
  WHERE NOT r.written
  GROUP BY r.at, r.actor, r.topic, r.epoch, r.generation, r.reason
  UNION ALL
  SELECT toUnixTimestamp64Milli(b.written_at) AS at, 'bridge' AS actor, 'billing-terms' AS kind,
    b.reporting AS subject, '' AS reason,
    toJSONString(map('effectiveFrom', formatDateTime(b.effective_from, '%Y-%m-%dT%H:%i:%SZ', 'UTC'), 'plan', b.plan_id)) AS detail
  FROM billing_terms AS b`;

interface ChangeRow {
  readonly at: string;
  readonly actor: string;
  readonly kind: string;
  readonly subject: string;
  readonly reason: string;
  readonly detail: string;
}

const detailOf = (text: string): Change['detail'] => {
  const detail = JSON.parse(text) as Record<string, unknown>;
  delete detail['reason'];
  return detail;
};

/**
 * The newest changes that match a filter, in order of time. Returns one more than `limit` if there are
 * more.
 */
export const readChanges = async (
  client: ClickHouseClient,
  { since, until, kinds, actor, topic }: ChangeFilter,
  limit: number,
): Promise<readonly Change[]> => {
  const conditions: string[] = [];
  const params: Record<string, unknown> = { limit: limit + 1 };
  const add = (name: string, value: unknown, sql: string): void => {
    if (value === null) return;
    conditions.push(sql);
    params[name] = value;
  };
  add('since', since, 'c.at >= {since:Int64}');
  add('until', until, 'c.at < {until:Int64}');
  add('kinds', kinds, 'c.kind IN {kinds:Array(String)}');
  add('actor', actor, 'c.actor = {actor:String}');
  add(
    'topic',
    topic,
    "arrayExists(one -> one = {topic:String} OR startsWith(one, concat({topic:String}, '/')), splitByString(', ', c.subject))",
  );
  const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
  const rows = await queryRows<ChangeRow>(
    client,
    `SELECT toString(c.at) AS at, c.actor AS actor, c.kind AS kind, c.subject AS subject,
       c.reason AS reason, c.detail AS detail
     FROM (${CHANGES}) AS c ${where}
     ORDER BY c.at DESC, c.kind DESC, c.subject DESC LIMIT {limit:UInt32}`,
    params,
  );
  return rows
    .map((row) => ({ ...row, at: millis(Number(row.at)), detail: detailOf(row.detail) }))
    .reverse();
};

import type { ClickHouseClient } from '@clickhouse/client';
import { controlRecord } from '../../shared/model/control-record.ts';
import { queryRows } from '../../shared/clickhouse/client.ts';
import { UserError } from '../../shared/process/errors.ts';
import { serializeFloor } from '../../shared/model/ledger-floor.ts';
import { parseRules } from '../../shared/model/rules.ts';
import { isoText, millis, type Hour, type Millis } from '../../shared/model/time.ts';
import { timeOf } from '../../shared/model/time-text.ts';
import type { SourceTools } from '../../shared/sources/source-opening.ts';
import {
  readSources,
  recordOperation,
  type RegisteredSource,
} from '../../shared/sources/register.ts';

export interface TrimPlan {
  /** Rows of usage that started before this hour are deleted. */
  readonly floor: Hour;
  /** The number of ledger rows to delete. */
  readonly rows: number;
  /** Open sources, whose partitions get the floor. */
  readonly open: readonly RegisteredSource[];
}

/**
 * What a trim would do. Because deduplication reads the ledger, a trim may delete only usage that can no
 * longer be accepted: older than every open partition's watermark minus its maxUsageAge.
 * @throws UserError that says how far the ledger may be trimmed
 */
export const planTrim = async (tools: SourceTools, floor: Hour): Promise<TrimPlan> => {
  const open = (await readSources(tools.clickHouse)).filter(({ state }) =>
    ['declared', 'open', 'written'].includes(state),
  );
  const limit = await trimLimit(tools, open);
  if (floor > limit) {
    throw new UserError(
      `The ledger may be trimmed up to ${isoText(limit)}: later usage may still be reported, and the ledger is needed to find duplicates`,
    );
  }
  const [row] = await queryRows<{ rows: string }>(
    tools.clickHouse,
    `SELECT toString(count()) AS rows FROM usage_events WHERE usage_hour < toDateTime({floor:UInt32}, 'UTC')`,
    { floor: floor / 1000 },
  );
  return { floor, rows: Number(row?.rows ?? 0), open };
};

const trimLimit = async (
  { clickHouse }: SourceTools,
  open: readonly RegisteredSource[],
): Promise<Millis> => {
  const rows = await queryRows<{ topic: string; epoch: number; watermark: string; rules: string }>(
    clickHouse,
    `SELECT topic, epoch, toString(toUnixTimestamp64Milli(c.watermark)) AS watermark, rules
     FROM checkpoints AS c FINAL`,
  );
  const limits = open.map((source) => {
    const own = rows.filter(({ topic, epoch }) => topic === source.topic && epoch === source.epoch);
    if (own.length < source.partitions) return 0; // a partition that has not been read yet
    return Math.min(
      ...own.map(({ watermark, rules }) => {
        const age = parseRules(rules)?.maxUsageAgeMillis;
        return age === undefined ? 0 : Number(watermark) - age;
      }),
    );
  });
  return millis(Math.max(0, Math.min(Date.now(), ...limits)));
};

const POLL_MILLIS = 100;

/**
 * Trims the ledger: writes the floor to every open partition, waits until each has folded it, and then
 * deletes. Windows, counts and dead letters stay. May be repeated after an interruption.
 * @throws UserError if the aggregator does not fold the floors in time
 */
export const trimLedger = async (
  tools: SourceTools,
  { floor, rows, open }: TrimPlan,
  { reason, patienceMillis }: { readonly reason: string; readonly patienceMillis: number },
): Promise<void> => {
  for (const { topic, epoch, partitions } of open) {
    for (let partition = 0; partition < partitions; partition++) {
      const at = { topic, epoch, partition };
      const record = controlRecord('floor', at, serializeFloor(floor), tools.keyring);
      await tools.writer.append(at, [record]);
    }
  }
  const end = Date.now() + patienceMillis;
  while (!(await areTold(tools, floor, open))) {
    if (Date.now() > end) {
      throw new UserError(
        'The aggregator has not folded the floor on every partition: check that it runs ("usagectl status"), then repeat this command. Nothing was deleted',
      );
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MILLIS));
  }
  // Recorded first, so that from then on nobody takes a missing row for usage that never happened.
  await recordOperation(tools.clickHouse, {
    kind: LEDGER_TRIMMED,
    subject: isoText(floor),
    detail: { rows, reason },
  });
  await tools.clickHouse.command({
    query: `ALTER TABLE usage_events DELETE WHERE usage_hour < toDateTime({floor:UInt32}, 'UTC')`,
    query_params: { floor: floor / 1000 },
    clickhouse_settings: { mutations_sync: '2' },
  });
};

const LEDGER_TRIMMED = 'ledger-trimmed';

/**
 * The hour up to which the ledger has been trimmed: it says nothing about earlier usage. 1970 if it was
 * never trimmed.
 */
export const ledgerFloor = async (client: ClickHouseClient): Promise<Hour> => {
  const rows = await queryRows<{ subject: string }>(
    client,
    'SELECT subject FROM operations WHERE kind = {kind:String}',
    { kind: LEDGER_TRIMMED },
  );
  return Math.max(0, ...rows.map(({ subject }) => timeOf(subject))) as Hour;
};

const areTold = async (
  { clickHouse }: SourceTools,
  floor: Hour,
  open: readonly RegisteredSource[],
): Promise<boolean> => {
  const rows = await queryRows<{ topic: string; epoch: number }>(
    clickHouse,
    `SELECT topic, epoch FROM checkpoints FINAL
     WHERE floor >= fromUnixTimestamp64Milli({floor:Int64}, 'UTC')`,
    { floor },
  );
  return open.every(
    ({ topic, epoch, partitions }) =>
      rows.filter((row) => row.topic === topic && row.epoch === epoch).length >= partitions,
  );
};

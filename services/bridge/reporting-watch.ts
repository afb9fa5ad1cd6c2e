import type { ClickHouseClient } from '@clickhouse/client';
import type { Logger } from 'pino';
import { queryRows } from '../shared/clickhouse/client.ts';
import { DAY_MILLIS, isoText, millis, type Millis } from '../shared/model/time.ts';

/** Under PayAsYouUse a stamp must report at least once in 30 days (docs/azure.md, "Registration"). */
const MUST_REPORT_WITHIN = 30 * DAY_MILLIS;
const WARNS_BEFORE = 7 * DAY_MILLIS;

/** What has been reported, and what has not. */
export interface Reported {
  /** When Commerce last accepted something; null if it never did. */
  readonly last: Millis | null;
  /** When the oldest submission that is still to be sent was composed at the earliest; null if there is none. */
  readonly waitingSince: Millis | null;
}

export interface ReportingProblem {
  readonly level: 'warn' | 'error';
  readonly message: string;
}

/**
 * Whether a stamp under PayAsYouUse is about to break its duty to report, or has broken it. A stamp that has
 * nothing to report breaks nothing.
 */
export const reportingProblem = (
  { last, waitingSince }: Reported,
  now: Millis,
): ReportingProblem | null => {
  if (waitingSince === null) return null;
  const since = millis(Math.max(last ?? 0, waitingSince));
  const silent = now - since;
  if (silent < MUST_REPORT_WITHIN - WARNS_BEFORE) return null;
  const told = `nothing could be reported to Commerce since ${isoText(since)}, and PayAsYouUse must report at least once in 30 days`;
  return silent < MUST_REPORT_WITHIN
    ? { level: 'warn', message: `Activation Expiring Soon: ${told}` }
    : { level: 'error', message: `Activation Expired: ${told}` };
};

export const readReported = async (client: ClickHouseClient): Promise<Reported> => {
  const [row] = await queryRows<{
    readonly last: string;
    readonly accepted: string;
    readonly waiting: string;
    readonly pending: string;
  }>(
    client,
    `SELECT
       (SELECT toString(toUnixTimestamp64Milli(max(o.at))) FROM commerce_outcomes AS o
        WHERE outcome IN ('accepted', 'duplicate', 'mismatch')) AS last,
       (SELECT toString(count()) FROM commerce_outcomes
        WHERE outcome IN ('accepted', 'duplicate', 'mismatch')) AS accepted,
       toString(toUnixTimestamp(min(u.reported_hour))) AS waiting, toString(count()) AS pending
     FROM commerce_usage AS u WHERE u.outcome = 'pending'`,
  );
  return {
    last: row === undefined || row.accepted === '0' ? null : millis(Number(row.last)),
    waitingSince:
      row === undefined || row.pending === '0' ? null : millis(Number(row.waiting) * 1000),
  };
};

/** Looks from time to time, and keeps what it found for the health page. */
export class ReportingWatch {
  private readonly read: () => Promise<Reported>;
  private readonly logger: Logger;
  private readonly now: () => number;
  private found: ReportingProblem | null = null;
  private timer: NodeJS.Timeout | null = null;
  /** Counts the stops. */
  private turn = 0;

  constructor(read: () => Promise<Reported>, logger: Logger, now: () => number) {
    this.read = read;
    this.logger = logger;
    this.now = now;
  }

  start(everyMillis: number): void {
    const look = (): void => {
      this.look().catch((error: unknown) => {
        this.logger.warn({ error }, 'cannot read when something was last reported; looking again');
      });
    };
    this.timer = setInterval(look, everyMillis);
    look();
  }

  stop(): void {
    if (this.timer) clearInterval(this.timer);
    this.found = null;
    this.turn++;
  }

  async look(): Promise<void> {
    const { turn } = this;
    const problem = reportingProblem(await this.read(), millis(this.now()));
    if (turn !== this.turn) return; // it was stopped meanwhile
    if (problem && problem.message !== this.found?.message) {
      this.logger[problem.level](problem.message);
    }
    this.found = problem;
  }

  /** What makes the bridge unready: the duty is broken. */
  get problems(): readonly string[] {
    return this.found?.level === 'error' ? [this.found.message] : [];
  }
}

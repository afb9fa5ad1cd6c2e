import { readProvisionalUsage, provisionalFrom } from '../../operations/usage/provisional-usage.ts';
import { withClickHouse } from '../../operations/sources/source-tools.ts';
import {
  isOnThisMachine,
  usageTarget,
  type TargetChoice,
  type UsageTarget,
} from '../../operations/usage/usage-target.ts';
import { visibleUsage } from '../../operations/usage/visible-usage.ts';
import { DirectoryView } from '../../shared/directory/directory-view.ts';
import { UserError } from '../../shared/process/errors.ts';
import { dayOf, hourOf, millis, type Millis } from '../../shared/model/time.ts';
import { readCoverage } from '../../shared/sources/coverage.ts';
import { usagePages } from '../../shared/usage-client/usage-client.ts';
import type { PageNotes, UsageRow } from '../../shared/usage-client/usage-row.ts';
import { showsData } from '../print.ts';
import { readUsageConfig } from '../settings.ts';
import { usageFailed } from './explain-failure.ts';
import { UsageProgress } from './usage-progress.ts';
import { usageOutput, type OutputFormat } from './usage-output.ts';

/** What `usagectl usage get` was asked for. */
export interface GetUsage extends TargetChoice {
  readonly from: Millis | null;
  readonly to: Millis | null;
  readonly granularity: 'Hourly' | 'Daily';
  readonly subscriberId: string | null;
  readonly isProvisional: boolean;
  readonly output: OutputFormat;
  /** The most rows; null for all. */
  readonly limit: number | null;
  readonly waitMillis: number;
}

interface Range {
  readonly from: Millis;
  readonly to: Millis;
}

/** The rows that are not answered by the API yet, and where they begin. */
interface Provisional extends Range {
  readonly rows: readonly UsageRow[];
}

/**
 * Reads usage and prints it.
 * @param beforeEnd called when all of a table is known, and nothing of it is printed yet
 * @throws UserError that says what to do
 */
export const getUsage = async (
  asked: GetUsage,
  beforeEnd: () => void = () => undefined,
): Promise<void> => {
  const target = await usageTarget(asked);
  const provisional = asked.isProvisional ? await readOpen(asked, target) : null;
  const range = provisional ?? givenRange(asked);
  const closed: Range = { from: asked.from ?? range.from, to: provisional?.from ?? range.to };
  const output = usageOutput(asked);
  const progress = new UsageProgress(closed, output.isStreamed && showsData());
  try {
    let isWhole = true;
    if (closed.from < closed.to) {
      isWhole = await writeClosed(asked, target, closed, output, progress);
    }
    progress.end();
    if (provisional !== null && isWhole) await writeOpen(provisional, asked.limit, output);
    beforeEnd();
    await output.end();
  } finally {
    progress.end();
  }
};

type Output = ReturnType<typeof usageOutput>;

/** @returns false if there are more rows than the limit allows */
const writeClosed = async (
  { granularity, subscriberId, limit, waitMillis }: GetUsage,
  { endpoint, ...target }: UsageTarget,
  range: Range,
  output: Output,
  progress: UsageProgress,
): Promise<boolean> => {
  progress.begin();
  const request = { ...target, ...range, granularity, subscriberId };
  let isFirst = true;
  for await (const page of usagePages(endpoint, request, {
    patienceMillis: waitMillis,
    onWait: (wait) => progress.wait(wait),
  })) {
    if (!page.ok) throw usageFailed(page.error, { endpoint, ...target });
    if (isFirst) warn(page.value.notes);
    isFirst = false;
    for (const row of page.value.rows) {
      if (limit !== null && output.rows === limit) {
        output.isCut();
        return false;
      }
      progress.row(row.usageStart);
      await output.closed(row);
    }
  }
  return true;
};

const writeOpen = async (
  { rows, from }: Provisional,
  limit: number | null,
  output: Output,
): Promise<void> => {
  output.beginOpen(from);
  for (const row of rows) {
    if (limit !== null && output.rows === limit) {
      output.isCut();
      return;
    }
    await output.open(row);
  }
};

/** What the rows do not say. It goes to standard error, beside the data. */
const warn = ({ coverage, notCovered, restatedHours }: PageNotes): void => {
  const lines = [
    ...(coverage === 'not-covered' || coverage === 'partly'
      ? [`No source covers ${notCovered ?? 'all of the range'}: nobody knows what was used there.`]
      : []),
    ...(restatedHours === null
      ? []
      : [
          `Restated after they had closed: ${restatedHours}. Read these hours again if you have read them before.`,
        ]),
  ];
  for (const line of lines) process.stderr.write(`usagectl: ${line}\n`);
};

const givenRange = ({ from, to }: GetUsage): Range => {
  if (from === null || to === null) {
    const missing = from === null ? '--reported-start' : '--reported-end';
    throw new UserError(
      `${missing} is missing: the range of reported time begins with --reported-start and ends before --reported-end, such as ${EXAMPLE}`,
    );
  }
  if (from >= to) {
    throw new UserError(
      '--reported-end must be after --reported-start: it is the exclusive end. For one hour, give the start of the next',
    );
  }
  return { from, to };
};

const EXAMPLE =
  '--reported-start 2019-12-10T19:00:00Z --reported-end 2019-12-10T20:00:00Z --granularity hourly';

/**
 * What is stored of hours that are not closed. It is read from ClickHouse, because the API answers closed
 * hours alone; so it is for the operator. The calling subscription sees what the API would answer to it. Without a range: all hours that are open.
 */
const readOpen = async (asked: GetUsage, target: UsageTarget): Promise<Provisional> => {
  if (target.api === 'tenant') {
    throw new UserError(
      '--provisional is for the operator: hours that are still open are read from ClickHouse, which tenants do not reach',
    );
  }
  if (target.profile !== null && !isOnThisMachine(target.endpoint.url)) {
    throw new UserError(
      `--provisional cannot be used with the profile "${target.profile}", whose API is at ${target.endpoint.url}: open hours are read from the ClickHouse of this machine's settings`,
    );
  }
  const config = readUsageConfig();
  const { USAGE_HOUR_MILLIS: hourMillis } = config;
  return withClickHouse(config, async (client) => {
    const visible = await visibleUsage(
      new DirectoryView(client),
      target.subscriptionId,
      config.PROVIDER_SUBSCRIPTION_ID,
    );
    const coverage = await readCoverage(client);
    const { granularity, subscriberId } = asked;
    const now = hourOf(millis(Date.now()), hourMillis);
    const thisHour = granularity === 'Hourly' ? now : dayOf(now, hourMillis);
    const to = asked.to ?? millis(thisHour + (granularity === 'Hourly' ? 1 : 24) * hourMillis);
    const query = { from: asked.from ?? millis(0), to, granularity, subscriberId, hourMillis };
    if (query.from >= to) givenRange({ ...asked, from: query.from, to });
    const from = provisionalFrom(coverage, query);
    const rows = await readProvisionalUsage(client, coverage, { ...query, from, visible });
    return { from, to, rows };
  });
};

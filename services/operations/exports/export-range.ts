import type { ClickHouseClient } from '@clickhouse/client';
import type { Millis } from '../../shared/model/time.ts';
import { writeAtomically } from '../../shared/process/write-file.ts';
import { readCoverage } from '../../shared/sources/coverage.ts';
import { columnsOf, isOfWholeRange, writerOf } from './export-kind.ts';
import type { ExportPlan } from './export-state.ts';
import type { ExportContext } from './layouts/export-context.ts';
import { completeRange, type CompleteRange } from './range-sources.ts';
import { readRows } from './read-rows.ts';
import { counted, newTally, type Tally } from './tally.ts';

export interface ExportTools {
  readonly client: ClickHouseClient;
  readonly context: ExportContext;
  readonly hourMillis: number;
  readonly onRows: (rows: number) => void;
}

/** The bytes of a file with the usage that was reported in a complete range. */
export const exportBytes = (
  { client, context, hourMillis, onRows }: ExportTools,
  plan: ExportPlan,
  range: CompleteRange,
  tally: Tally,
): AsyncIterable<Uint8Array> => {
  const { granularity, subscriptionKey, layout } = plan;
  const rows = readRows(client, {
    ...range,
    granularity,
    subscriptionKey,
    wholeRange: isOfWholeRange(layout),
    hourMillis,
  });
  return writerOf(plan)(columnsOf(layout, context), counted(rows, tally, context, onRows));
};

export interface RangeExport {
  readonly tally: Tally;
  readonly range: CompleteRange;
}

/**
 * Writes the usage that was reported in `[from, to)` to one file.
 * @throws UserError if a part of the range is still being processed, or the file cannot be written
 */
export const exportRange = async (
  tools: ExportTools,
  plan: ExportPlan,
  { from, to }: { readonly from: Millis; readonly to: Millis },
  path: string,
): Promise<RangeExport> => {
  const range = completeRange(await readCoverage(tools.client), from, to);
  const tally = newTally();
  await writeAtomically(path, exportBytes(tools, plan, range, tally));
  return { tally, range };
};

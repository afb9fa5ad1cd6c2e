import type { ClickHouseClient } from '@clickhouse/client';
import { writeAtomically } from '../../shared/process/write-file.ts';
import { readCoverage } from '../../shared/sources/coverage.ts';
import { columnsOf, isOfWholeRange, writerOf } from './export-kind.ts';
import type { ExportPlan } from './export-state.ts';
import type { HourSpan } from './hour-spans.ts';
import type { ExportContext } from './layouts/export-context.ts';
import { completeRange, type CompleteRange } from './range-sources.ts';
import { readRows } from './read-rows.ts';
import { counted, newTally, type Tally } from './tally.ts';
import { readUnmixed, unmixed, type UnmixedReading } from './unmixed.ts';

export interface ExportTools {
  readonly client: ClickHouseClient;
  readonly context: ExportContext;
  readonly hourMillis: number;
  readonly onRows: (rows: number) => void;
}

/**
 * The bytes of a file with the usage that was reported in a complete range. They end with an error if a restatement of it has begun
 * meanwhile: see `unlessRestated`.
 */
export const exportBytes = (
  { client, context, hourMillis, onRows }: ExportTools,
  plan: ExportPlan,
  range: CompleteRange,
  reading: UnmixedReading,
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
  const blocks = unmixed(counted(rows, tally, context, onRows), reading);
  return writerOf(plan)(columnsOf(layout, context), blocks);
};

export interface RangeExport {
  readonly tally: Tally;
  readonly range: CompleteRange;
}

/**
 * Writes the usage that was reported in `[from, to)` to one file.
 * @throws UserError if a part of the range is still being processed or restated, or the file cannot be written
 */
export const exportRange = (
  tools: ExportTools,
  plan: ExportPlan,
  range: HourSpan,
  path: string,
): Promise<RangeExport> => {
  const { client, hourMillis } = tools;
  return readUnmixed(
    async () => ({ client, hourMillis, range, coverage: await readCoverage(client) }),
    async (reading) => {
      const complete = completeRange(reading.coverage, range.from, range.to);
      const tally = newTally();
      await writeAtomically(path, exportBytes(tools, plan, complete, reading, tally));
      return { tally, range: complete };
    },
  );
};

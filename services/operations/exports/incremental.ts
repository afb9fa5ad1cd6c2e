import { existsSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { join } from 'node:path';
import { isoText, millis, type Millis } from '../../shared/model/time.ts';
import { UserError } from '../../shared/process/errors.ts';
import { failpoint } from '../../shared/process/failpoint.ts';
import { withLock } from '../../shared/process/lock.ts';
import { renameWhole, unfinishedName, writeWhole } from '../../shared/process/write-file.ts';
import {
  firstProcessing,
  readCoverage,
  stateSpans,
  type Coverage,
} from '../../shared/sources/coverage.ts';
import type { RestatedHour, Restatement } from '../../shared/sources/restated-hours.ts';
import { exportBytes, type ExportTools } from './export-range.ts';
import {
  readState,
  STATE_FILE,
  writeState,
  type DirectoryPlan,
  type ExportPlan,
  type ExportState,
} from './export-state.ts';
import { isWithin, leftOf, overlaps, withSpan, type HourSpan } from './hour-spans.ts';
import { completeRange, readRestated } from './range-sources.ts';
import { reportedMillis } from './read-rows.ts';
import { addTally, newTally, type Tally } from './tally.ts';
import { unlessRestated } from './unmixed.ts';

export interface IncrementalOptions {
  /** No reported hour before it; null for the first that any source covers. */
  readonly from: Millis | null;
  /** Whether to write the files of hours again that were restated after they were exported. */
  readonly rewriteRestated: boolean;
}

export interface IncrementalExport {
  readonly tally: Tally;
  readonly files: readonly string[];
  /** The reported time that is exported now, in order and apart. */
  readonly exported: readonly HourSpan[];
  /**
   * Hours that changed after their file was exported, and whose files were not written again: they were
   * restated, or nobody answered for them then.
   */
  readonly changed: readonly Millis[];
  /** What is being restated, so that it was not exported. */
  readonly waiting: readonly Restatement[];
}

/** The name says the hour: a file that is written again has the same name. */
const fileNameOf = ({ layout, format }: DirectoryPlan, from: Millis): string =>
  `${layout}-${isoText(from).replaceAll(':', '-')}.${format}`;

/** The parts of a day (or the hour) that sources answer for, all closed. */
const completeParts = (coverage: Coverage, { from, to }: HourSpan): readonly HourSpan[] =>
  stateSpans(coverage, from, to).filter(({ state }) => state === 'complete');

/** The complete hours (or days) of which nothing is exported yet, in order. */
export const spansToExport = (
  coverage: Coverage,
  exported: readonly HourSpan[],
  from: Millis | null,
  length: number,
): readonly HourSpan[] => {
  const ends = coverage.sources.flatMap((span) => [span.from, span.closed]);
  if (ends.length === 0) return [];
  const start = Math.floor(Math.max(from ?? 0, Math.min(...ends)) / length) * length;
  const end = Math.max(...ends);
  const found: HourSpan[] = [];
  for (const span of stateSpans(coverage, millis(start), millis(Math.max(start, end)))) {
    if (span.state !== 'complete') continue;
    // A day that is covered in part only from an hour on is complete from there: the rest of it holds nothing.
    for (let at = Math.floor(span.from / length) * length; at < span.to; at += length) {
      const each = { from: millis(at), to: millis(at + length) };
      if (found.at(-1)?.from === each.from) continue;
      // Also if hours were added to it since, which may have become one part with those of its file: see `grownParts`.
      if (overlaps(exported, each)) continue;
      const states = stateSpans(coverage, each.from, each.to);
      if (!states.some(({ state }) => state === 'processing')) found.push(each);
    }
  }
  return found;
};

/**
 * The parts of exported days that became complete after the day was exported, by a history run for hours
 * that no source covered then.
 */
export const grownParts = (
  coverage: Coverage,
  exported: readonly HourSpan[],
  length: number,
): readonly HourSpan[] => {
  const days = new Set<number>();
  for (const { from, to } of exported) {
    for (let at = Math.floor(from / length) * length; at < to; at += length) days.add(at);
  }
  return [...days].flatMap((at) =>
    completeParts(coverage, { from: millis(at), to: millis(at + length) }).flatMap((part) =>
      leftOf(part, exported),
    ),
  );
};

/** The state of a directory, whose files are of one kind, after the renaming is finished that a killed run may have left. */
const recover = async (directory: string, plan: DirectoryPlan): Promise<ExportState> => {
  const state = await readState(directory);
  if (state === null) return { plan, exported: [], renaming: null, restated: [] };
  if (!isDeepStrictEqual(state.plan, plan)) {
    throw new UserError(
      `${directory} holds another kind of export (${Object.values(state.plan).filter(Boolean).join(', ')}): use the same options, or another directory`,
    );
  }
  if (state.renaming === null) return state;
  const path = join(directory, state.renaming.file);
  // The file was whole before the state was written. If its temporary name is gone, it has its own.
  if (existsSync(unfinishedName(path))) await renameWhole(unfinishedName(path), path);
  const recovered = {
    ...state,
    exported: state.renaming.spans.reduce(withSpan, state.exported),
    renaming: null,
  };
  await writeState(directory, recovered);
  return recovered;
};

/** One run over a directory. */
class Run {
  readonly tally = newTally();
  readonly files: string[] = [];
  readonly waiting: Restatement[] = [];
  private readonly tools: ExportTools;
  private readonly directory: string;
  private readonly plan: ExportPlan;
  private readonly coverage: Coverage;
  state: ExportState;

  constructor(
    tools: ExportTools,
    directory: string,
    plan: ExportPlan,
    coverage: Coverage,
    state: ExportState,
  ) {
    this.tools = tools;
    this.directory = directory;
    this.plan = plan;
    this.coverage = coverage;
    this.state = state;
  }

  /**
   * Exports one hour (or day). The state is written between the file and its name:
   *
   * | killed                | the next run                                                |
   * |-----------------------|-------------------------------------------------------------|
   * | before the state      | writes the file again, under the same temporary name        |
   * | after the state       | finds the temporary name, and renames the file              |
   * | after the renaming    | finds no temporary name: the file is where it belongs, or    |
   * |                       | the importer has taken it already                            |
   */
  async export(span: HourSpan): Promise<void> {
    const { directory, coverage } = this;
    const file = fileNameOf(this.state.plan, span.from);
    const path = join(directory, file);
    const restated = await this.writeUnmixed(span, unfinishedName(path));
    if (restated === null) return;
    failpoint('export-file-written');
    const spans = completeParts(coverage, span).map(({ from, to }) => ({ from, to }));
    const within = ({ hour }: RestatedHour): boolean => span.from <= hour && hour < span.to;
    this.state = {
      ...this.state,
      renaming: { file, spans },
      restated: [...this.state.restated.filter((each) => !within(each)), ...restated],
    };
    await writeState(directory, this.state);
    failpoint('export-state-written');
    await renameWhole(unfinishedName(path), path);
    failpoint('export-file-renamed');
    const exported = spans.reduce(withSpan, this.state.exported);
    this.state = { ...this.state, exported, renaming: null };
    this.files.push(file);
  }

  /**
   * Writes the rows of an hour (or day) that is not being restated.
   * @returns its restated hours, of which the file has the new rows; null if it waits
   */
  private async writeUnmixed(
    span: HourSpan,
    path: string,
  ): Promise<readonly RestatedHour[] | null> {
    const { tools, coverage } = this;
    const { client, hourMillis } = tools;
    const range = completeRange(coverage, span.from, span.to);
    for (;;) {
      const { hours, unwritten } = await readRestated(client, coverage, hourMillis, span);
      if (unwritten.length > 0) {
        this.waiting.push(...unwritten);
        return null;
      }
      const tally = newTally();
      const reading = { client, coverage, hourMillis, range: span, restated: hours };
      const onRows = (rows: number): void => tools.onRows(this.tally.rows + rows);
      const bytes = exportBytes({ ...tools, onRows }, this.plan, range, reading, tally);
      const isWritten = await unlessRestated(async () => {
        await writeWhole(path, bytes);
        return true;
      });
      if (isWritten !== true) continue;
      addTally(this.tally, tally);
      return hours;
    }
  }

  /** Writes that no renaming is left. A file that has its name may only then be begun again. */
  settle(): Promise<void> {
    return writeState(this.directory, this.state);
  }
}

export const changedHours = (
  { exported, restated: known }: Pick<ExportState, 'exported' | 'restated'>,
  restated: readonly RestatedHour[],
): readonly RestatedHour[] => {
  const generations = new Map(known.map(({ hour, generation }) => [hour, generation]));
  return restated.filter(
    ({ hour, generation }) =>
      isWithin(exported, { from: hour, to: millis(hour + 1) }) &&
      generation !== (generations.get(hour) ?? 0),
  );
};

/** Hours whose rows are not those of their file any more. */
const hoursThatChanged = (
  coverage: Coverage,
  state: ExportState,
  restated: readonly RestatedHour[],
  length: number,
): readonly Millis[] => [
  ...changedHours(state, restated).map(({ hour }) => hour),
  ...grownParts(coverage, state.exported, length).map((part) => part.from),
];

/** The hours (or days) of these hours that can be written now. A day may wait for another run in it. */
export const readySpans = (
  coverage: Coverage,
  hours: readonly Millis[],
  length: number,
): readonly HourSpan[] =>
  [...new Set(hours.map((hour) => Math.floor(hour / length) * length))]
    .map((start) => ({ from: millis(start), to: millis(start + length) }))
    .filter(({ from, to }) => firstProcessing(coverage, from, to) === null);

/**
 * Exports every complete reported hour (or day) that is not exported yet, each to a file of its own. A reported hour that becomes complete
 * later, such as one of a history run, is exported then.
 * @throws UserError if another run is at work in the directory, or its state cannot be used
 */
export const exportNewHours = (
  tools: ExportTools,
  plan: ExportPlan,
  directory: string,
  { from, rewriteRestated }: IncrementalOptions,
): Promise<IncrementalExport> =>
  withLock(
    join(directory, `${STATE_FILE}.lock`),
    async () => {
      const currency = tools.context.prices?.book.currency ?? null;
      const { decimals: _, ...ofDirectory } = plan;
      const state = await recover(directory, { ...ofDirectory, currency });
      const coverage = await readCoverage(tools.client);
      const changed = async ({ state }: Run): Promise<readonly Millis[]> => {
        const restated = await readRestated(tools.client, coverage, tools.hourMillis);
        return hoursThatChanged(coverage, state, restated.hours, length);
      };
      const length = reportedMillis(plan.granularity, tools.hourMillis);
      const run = new Run(tools, directory, plan, coverage, state);
      if (rewriteRestated) {
        for (const span of readySpans(coverage, await changed(run), length)) {
          await run.export(span);
          await run.settle();
        }
      }
      for (const span of spansToExport(coverage, run.state.exported, from, length)) {
        await run.export(span);
      }
      await run.settle();
      return {
        tally: run.tally,
        files: run.files,
        exported: run.state.exported,
        changed: await changed(run),
        waiting: run.waiting,
      };
    },
    0,
  );

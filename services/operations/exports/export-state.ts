import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { isoText } from '../../shared/model/time.ts';
import { timeSchema } from '../../shared/model/time-text.ts';
import { messageOf, UserError } from '../../shared/process/errors.ts';
import type { RestatedHour } from '../../shared/sources/restated-hours.ts';
import { writeAtomically } from '../../shared/process/write-file.ts';
import { FORMATS, LAYOUTS, READERS, type ExportKind } from './export-kind.ts';
import type { HourSpan } from './hour-spans.ts';
import type { Granularity } from './read-rows.ts';

export const STATE_FILE = 'export-state.json';

/** What an export writes, besides its range. */
export interface ExportPlan extends ExportKind {
  readonly granularity: Granularity;
  /** In lower case; null for all. */
  readonly subscriptionKey: string | null;
}

/**
 * The plan of a directory. A file of a row that needs other decimals may be written between others: each file says of which type they are.
 */
export interface DirectoryPlan extends Omit<ExportPlan, 'decimals'> {
  /** Of the price list; null without prices. */
  readonly currency: string | null;
}

/** Where an incremental export is. */
export interface ExportState {
  readonly plan: DirectoryPlan;
  /** The reported time whose files have their names, in order and apart. */
  readonly exported: readonly HourSpan[];
  /** The file that is whole under its temporary name and gets its name next; null if there is none. */
  readonly renaming: RenamedFile | null;
  /** The restated hours that the files hold, each with the generations of its sources added up. */
  readonly restated: readonly RestatedHour[];
}

export interface RenamedFile {
  readonly file: string;
  /** The reported time that it holds. */
  readonly spans: readonly HourSpan[];
}

const span = z.object({ from: timeSchema, to: timeSchema });

const stateSchema = z.object({
  plan: z.object({
    format: z.enum(FORMATS),
    layout: z.enum(LAYOUTS),
    reader: z.enum(READERS),
    granularity: z.enum(['hourly', 'daily']),
    subscriptionKey: z.string().nullable(),
    currency: z.string().nullable(),
  }),
  exported: z.array(span),
  renaming: z.object({ file: z.string().regex(/^[\w.-]+$/), spans: z.array(span) }).nullable(),
  restated: z.array(z.object({ hour: timeSchema, generation: z.int() })),
});

const pathIn = (directory: string): string => join(directory, STATE_FILE);

/**
 * Null if nothing was exported there yet.
 * @throws UserError if there is a file and it cannot be read: without it hours would be exported twice
 */
export const readState = async (directory: string): Promise<ExportState | null> => {
  const path = pathIn(directory);
  try {
    return stateSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    const problem = cause instanceof z.ZodError ? z.prettifyError(cause) : messageOf(cause);
    throw new UserError(
      `${path} says which hours are exported, but cannot be used. Restore it, or begin in an empty directory: ${problem}`,
      { cause },
    );
  }
};

const spanText = ({ from, to }: HourSpan): { from: string; to: string } => ({
  from: isoText(from),
  to: isoText(to),
});

export const writeState = (directory: string, state: ExportState): Promise<void> => {
  const { plan, exported, renaming, restated } = state;
  const text = JSON.stringify(
    {
      plan,
      exported: exported.map(spanText),
      renaming: renaming === null ? null : { ...renaming, spans: renaming.spans.map(spanText) },
      restated: restated.map(({ hour, generation }) => ({
        hour: isoText(hour),
        generation,
      })),
    },
    null,
    2,
  );
  return writeAtomically(pathIn(directory), [Buffer.from(`${text}\n`)]);
};

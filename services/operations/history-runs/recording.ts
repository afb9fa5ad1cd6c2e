import { createHash } from 'node:crypto';
import { z } from 'zod';
import { UserError } from '../../shared/process/errors.ts';
import type { EventTexts } from '../../shared/model/event-texts.ts';
import { HOUR_MILLIS, isoText, millis, type Hour, type Millis } from '../../shared/model/time.ts';
import { timeSchema } from '../../shared/model/time-text.ts';

/** One row of a usage API response, with its `instanceData` parsed. */
export interface RecordedRow extends EventTexts {
  /** Counted from 1, for messages. */
  readonly number: number;
  readonly usageStartTime: Millis;
  readonly usageEndTime: Millis;
  readonly quantity: number;
}

export interface Recording {
  /** SHA-256 of the file. */
  readonly digest: string;
  readonly reportedStart: Hour;
  /** Exclusive. */
  readonly reportedEnd: Hour;
  readonly rows: readonly RecordedRow[];
}

/**
 * Attributes as Azure sends them: null, text, or (in newer services) an object, which is kept as JSON text.
 */
const attribute = z
  .union([z.string(), z.null(), z.looseObject({})])
  .optional()
  .transform((value) =>
    value == null || typeof value === 'string' ? (value ?? null) : JSON.stringify(value),
  );

const instanceSchema = z.object({
  'Microsoft.Resources': z.object({
    resourceUri: z.string(),
    location: z.string().nullish(),
    tags: attribute,
    additionalInfo: attribute,
  }),
});

const rowSchema = z.object({
  properties: z.object({
    subscriptionId: z.string(),
    usageStartTime: timeSchema,
    usageEndTime: timeSchema,
    instanceData: z.string(),
    quantity: z.number(),
    meterId: z.string(),
  }),
});

const fileSchema = z.object({
  request: z.object({ reportedStartTime: timeSchema, reportedEndTime: timeSchema }).optional(),
  value: z.array(z.unknown()),
  nextLink: z.string().optional(),
});

/**
 * Reads a saved response of the provider usage API, which includes its request.
 * @throws UserError that names the row and what is wrong with it
 */
export const readRecording = (name: string, text: string): Recording => {
  const refuse = (problem: string): never => {
    throw new UserError(`${name} cannot be replayed: ${problem}`);
  };
  const file = fileSchema.safeParse(parseJson('it', text, refuse));
  if (!file.success) return refuse(`it is not a usage API response: ${issuesOf(file.error)}`);
  const { request, value, nextLink } = file.data;
  if (nextLink) return refuse('it is one page of several: save the rows of all pages in one file');
  if (!request) {
    return refuse(
      'it does not say what was requested: add "request" with reportedStartTime and reportedEndTime',
    );
  }
  const { reportedStartTime: start, reportedEndTime: end } = request;
  if (start % HOUR_MILLIS !== 0 || end % HOUR_MILLIS !== 0 || start >= end) {
    return refuse(
      `the request's range must consist of full hours, but it is ${isoText(start)} to ${isoText(end)}`,
    );
  }
  if (start < EARLIEST || end > LATEST) {
    return refuse(`reported hours must lie from ${isoText(EARLIEST)} to ${isoText(LATEST)}`);
  }
  return {
    digest: createHash('sha256').update(text).digest('hex'),
    reportedStart: start,
    reportedEnd: end,
    rows: value.map((row, index) => readRow(row, index + 1, refuse)),
  };
};

/** The beginning of ClickHouse's DateTime plus the age that usage may have when it is reported. */
const EARLIEST = millis(Date.UTC(1970, 3, 1));
const LATEST = millis(Date.UTC(2106, 0, 1));

type Refuse = (problem: string) => never;

const parseJson = (what: string, text: string, refuse: Refuse): unknown => {
  try {
    return JSON.parse(text);
  } catch (error) {
    return refuse(`${what} is not JSON (${error instanceof Error ? error.message : ''})`);
  }
};

const readRow = (value: unknown, number: number, refuse: Refuse): RecordedRow => {
  const refuseRow: Refuse = (problem) => refuse(`row ${String(number)}: ${problem}`);
  const row = rowSchema.safeParse(value);
  if (!row.success) return refuseRow(issuesOf(row.error));
  const { instanceData, ...properties } = row.data.properties;
  const instance = instanceSchema.safeParse(parseJson('instanceData', instanceData, refuseRow));
  if (!instance.success) return refuseRow(`instanceData: ${issuesOf(instance.error)}`);
  const resource = instance.data['Microsoft.Resources'];
  return { ...properties, ...resource, location: resource.location ?? '', number };
};

const issuesOf = (error: z.ZodError): string =>
  error.issues
    .map(({ path, message }) => (path.length > 0 ? `${path.join('.')}: ${message}` : message))
    .join('; ');

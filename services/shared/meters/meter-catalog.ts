import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { SCHEMA_DIRECTORY } from '../avro/schema-directory.ts';
import { messageOf, UserError } from '../process/errors.ts';
import { asciiLower } from '../model/placement.ts';

export const METER_CATALOG_FILE = 'schemas/meters.json';

/**
 * - `full-price`: it is sent to Commerce
 * - `admin`: infrastructure, which Azure bills at price zero
 * - `deprecated`: another meter has taken its place
 * - `local-only`: it is for the stamp's own use, or counts what other meters bill
 */
const METER_BILLING = ['full-price', 'admin', 'deprecated', 'local-only'] as const;

const meterSchema = z
  .object({
    meterId: z.string().min(1),
    name: z.string(),
    unit: z.string(),
    resourceProvider: z.string(),
    category: z.string(),
    deprecated: z.boolean(),
    billing: z.enum(METER_BILLING),
    /** Its id at Commerce, if it has another one there. */
    commerceMeterId: z.string().min(1).optional(),
  })
  .transform(({ commerceMeterId, ...meter }) => ({
    ...meter,
    billable: meter.billing === 'full-price',
    /** The name under which Commerce bills it. */
    dimension: commerceMeterId ?? meter.meterId,
  }));

export type Meter = z.output<typeof meterSchema>;

const catalogSchema = z
  .array(meterSchema)
  .refine(
    (meters) => new Set(meters.map(({ meterId }) => asciiLower(meterId))).size === meters.length,
    { message: 'it has a meter twice' },
  );

/**
 * Reads the meter catalog.
 * @throws UserError if the file is missing or is not a catalog
 */
export const readMeterCatalog = (
  path: string = join(SCHEMA_DIRECTORY, 'meters.json'),
): readonly Meter[] => {
  try {
    return catalogSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (cause) {
    const problem = cause instanceof z.ZodError ? z.prettifyError(cause) : messageOf(cause);
    throw new UserError(`The meter catalog ${path} cannot be used: ${problem}`, { cause });
  }
};

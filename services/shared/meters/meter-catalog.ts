import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { SCHEMA_DIRECTORY } from '../avro/schema-directory.ts';
import { messageOf, UserError } from '../process/errors.ts';
import { asciiLower } from '../model/placement.ts';

export const METER_CATALOG_FILE = 'schemas/meters.json';

const meterSchema = z.object({
  meterId: z.string().min(1),
  name: z.string(),
  unit: z.string(),
  resourceProvider: z.string(),
  category: z.string(),
  deprecated: z.boolean(),
  billable: z.boolean(),
});

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

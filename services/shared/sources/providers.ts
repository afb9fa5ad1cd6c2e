import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { messageOf, UserError } from '../process/errors.ts';
import { isProviderName } from '../kafka/topic-names.ts';
import { inRepository } from '../process/repository.ts';

const PROVIDERS_FILE = inRepository('deploy/kafka/providers.json');

const providersSchema = z
  .array(
    z.strictObject({
      /** The last part of its topic's name: `compute` for `usage.events.compute`. */
      name: z.string().refine(isProviderName, {
        message: 'must have lower-case letters, digits or "-", and may not be "dlq"',
      }),
      /** The namespaces of the resources whose usage it reports, such as `Microsoft.Compute`. */
      namespaces: z
        .array(z.string().regex(/^[A-Za-z0-9.-]+$/))
        .min(1)
        .transform((names) => names.map((name) => name.toLowerCase())),
      /** The number of partitions of its topic. It is fixed once the topic exists. */
      partitions: z.int().min(1).max(1000),
    }),
  )
  .min(1);

/** A resource provider that reports usage to a live topic of its own; namespaces in lower case. */
export type Provider = z.output<typeof providersSchema>[number];

/**
 * Reads the providers file.
 * @throws UserError if the file is missing or invalid
 */
export const readProviders = (path: string = PROVIDERS_FILE): readonly Provider[] => {
  try {
    return providersSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (cause) {
    const problem = cause instanceof z.ZodError ? z.prettifyError(cause) : messageOf(cause);
    throw new UserError(`The providers file ${path} cannot be used: ${problem}`, { cause });
  }
};

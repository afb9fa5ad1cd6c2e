import { z } from 'zod';

export const providerNamesSettings = {
  /** The names of the simulated providers that run, separated by commas. */
  CLOUD_PROVIDERS: z
    .string()
    .default('compute,storage,network,platform')
    .transform((text) => [...new Set(text.split(',').map((name) => name.trim()))])
    .refine((names) => names.every((name) => name !== ''), {
      message: 'must be names of providers, separated by commas',
    }),
};

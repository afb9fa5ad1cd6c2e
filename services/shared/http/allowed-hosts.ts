import { z } from 'zod';
import { parseHost } from './host-name.ts';

export const allowedHostSettings = {
  /**
   * Names, beside loopback's, by which callers may address this service, and whose pages may call
   * it: what a proxy before it is called. With commas between.
   */
  HTTP_ALLOWED_HOSTS: z
    .string()
    .default('')
    .transform((text) =>
      text
        .split(',')
        .map((name) => name.trim().toLowerCase())
        .filter((name) => name !== ''),
    )
    .refine(
      (names) => names.every((name) => parseHost(name)?.text === name && !/:\d+$/.test(name)),
      {
        message:
          'must be host names without scheme and port, with commas between, such as usage.example.com',
      },
    )
    .transform((names): readonly string[] => names.map((name) => parseHost(name)?.name ?? name)),
};

import { z } from 'zod';
import { parseHost } from './host-name.ts';

export const allowedHostSettings = {
  /**
   * Host names, besides those of loopback, by which callers may address this service, and whose pages may
   * call it: the names of a proxy in front of it. Separated by commas.
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
          'must be host names without scheme and port, separated by commas, such as usage.example.com',
      },
    )
    .transform((names): readonly string[] => names.map((name) => parseHost(name)?.name ?? name)),
};

import { z } from 'zod';
import type { ControlKey, Keyring } from '../model/control-record.ts';

const KEY = /^([A-Za-z0-9._-]{1,64}):((?:[0-9a-fA-F]{2}){16,})$/;

const controlKey = (text: string): ControlKey | null => {
  const [, id, secret] = KEY.exec(text.trim()) ?? [];
  return id && secret ? { id, secret: Buffer.from(secret, 'hex') } : null;
};

const keysOf = (text: string, context: z.RefinementCtx): Keyring => {
  const keys = text.split(',').map(controlKey);
  const valid = keys.filter((key) => key !== null);
  const [first, ...others] = valid;
  if (
    first &&
    valid.length === keys.length &&
    new Set(valid.map(({ id }) => id)).size === keys.length
  ) {
    return [first, ...others];
  }
  context.addIssue({
    code: 'custom',
    message:
      'must be id:secret, several separated by commas: each id once, of letters, digits, ".", "_" and "-"; each secret of at least 32 hexadecimal digits',
  });
  return z.NEVER;
};

/** At least one key; the first one signs. */
export const keyring = z
  .string({
    error:
      'is not set: set it to id:secret, with at least 32 hexadecimal digits as the secret, such as "main:$(openssl rand -hex 32)"; separate several by commas, the first one signs',
  })
  .transform(keysOf);

/** Keys of the same form that need not be set: null then. */
export const optionalKeyring = z
  .string()
  .optional()
  .transform((text, context): Keyring | null =>
    text === undefined ? null : keysOf(text, context),
  );

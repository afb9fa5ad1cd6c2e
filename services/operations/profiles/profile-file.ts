import { chmod, mkdir, open, readFile, rename } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { messageOf, UserError } from '../../shared/process/errors.ts';
import { isSubscriptionId } from '../../shared/model/subscription-id.ts';

/**
 * How somebody reads the usage API.
 * - `operator`: a provider subscription, which sees all of its direct tenants
 * - `tenant`: a user's subscription, which sees itself
 */
export interface Profile {
  readonly endpoint: string;
  readonly role: 'operator' | 'tenant';
  readonly subscription: string;
  /** Bearer token. It is never printed. */
  readonly token?: string | undefined;
  /** A file with the bearer token, read at each call. */
  readonly tokenFile?: string | undefined;
  /** Certificates in PEM that are trusted instead of the system's. */
  readonly caFile?: string | undefined;
}

export type Profiles = ReadonlyMap<string, Profile>;

const endpointSchema = z
  .string()
  .refine((text) => /^https?:\/\/[^@\s?#]+$/i.test(text) && URL.canParse(text), {
    message: 'the endpoint must be an http or https URL without a user, password or query',
  })
  .transform((text) => text.replace(/\/+$/, ''));

const tokenSchema = z.string().regex(/^[\w~+/.=-]+$/, {
  message: 'the token must be one word of letters, digits and -._~+/=',
});

const profileSchema = z
  .strictObject({
    endpoint: endpointSchema,
    role: z.enum(['operator', 'tenant'], { error: 'the role must be operator or tenant' }),
    subscription: z
      .string()
      .refine(isSubscriptionId, { message: 'the subscription must be an id: a GUID' }),
    token: tokenSchema.optional(),
    tokenFile: z.string().min(1).optional(),
    caFile: z.string().min(1).optional(),
  })
  .refine(({ token, tokenFile }) => token === undefined || tokenFile === undefined, {
    message: 'it has both a token and a token file',
  });

/** @throws UserError that says what is wrong */
export const checkedProfile = (profile: Profile): Profile => {
  const checked = profileSchema.safeParse(profile);
  if (checked.success) return checked.data;
  throw new UserError(checked.error.issues.map(({ message }) => message).join('; '));
};

/** A bearer token as a file or standard input has it. The error does not repeat it. */
export const checkedToken = (text: string, where: string): string => {
  const checked = tokenSchema.safeParse(text.trim());
  if (checked.success) return checked.data;
  const problem = text.trim() === '' ? 'it is empty' : 'the token must be one word';
  throw new UserError(`${where} has no token: ${problem}`);
};

const nameSchema = z.string().regex(/^[\w.-]{1,64}$/, {
  message: 'a profile is named by 1 to 64 letters, digits, "_", "." and "-"',
});

/** @throws UserError if no profile can be called so */
export const checkedName = (name: string): string => {
  const checked = nameSchema.safeParse(name);
  if (checked.success) return checked.data;
  throw new UserError(checked.error.issues[0]?.message ?? '');
};

const fileSchema = z.strictObject({ profiles: z.record(nameSchema, profileSchema) });

/** `usagectl/profiles.json` in the user's directory for settings. */
export const profilePath = (): string => {
  const base = process.env['XDG_CONFIG_HOME']?.trim() || join(homedir(), '.config');
  return join(base, 'usagectl', 'profiles.json');
};

/** Other users must not read tokens. Windows has no such bits. */
const OTHERS = 0o077;

/**
 * All profiles; none if there is no file.
 * @throws UserError if the file cannot be used, or others may read it
 */
export const readProfiles = async (path: string = profilePath()): Promise<Profiles> => {
  const file = await open(path).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new UserError(`The profiles in ${path} cannot be read: ${messageOf(error)}`);
  });
  if (file === null) return new Map();
  try {
    const { mode } = await file.stat();
    if ((mode & OTHERS) !== 0 && process.platform !== 'win32') {
      throw new UserError(
        `Others may read the profiles in ${path}, and they may hold tokens: run "chmod 600 ${path}"`,
      );
    }
    return parse(path, await file.readFile('utf8'));
  } finally {
    await file.close();
  }
};

const parse = (path: string, text: string): Profiles => {
  try {
    return new Map(Object.entries(fileSchema.parse(JSON.parse(text)).profiles));
  } catch (cause) {
    // A message of JSON.parse quotes the text, which may be a token.
    const problem =
      cause instanceof z.ZodError
        ? cause.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ')
        : 'it is not JSON';
    throw new UserError(`The profiles in ${path} cannot be used: ${problem}`);
  }
};

/** Replaces all profiles at once. The file is for its owner alone. */
export const writeProfiles = async (
  profiles: Profiles,
  path: string = profilePath(),
): Promise<void> => {
  const text = `${JSON.stringify({ profiles: Object.fromEntries(profiles) }, null, 2)}\n`;
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const file = await open(`${path}.new`, 'w', 0o600);
    try {
      await file.writeFile(text);
    } finally {
      await file.close();
    }
    await chmod(`${path}.new`, 0o600); // it may have been left with another mode
    await rename(`${path}.new`, path);
  } catch (error) {
    throw new UserError(`The profiles cannot be written to ${path}: ${messageOf(error)}`);
  }
};

/**
 * The token that a profile's calls carry; null for none.
 * @throws UserError if its file cannot be read
 */
export const tokenOf = async ({ token, tokenFile }: Profile): Promise<string | null> => {
  if (tokenFile === undefined) return token ?? null;
  const text = await readText('token file', tokenFile);
  return checkedToken(text, `The token file ${tokenFile}`);
};

/** @throws UserError if the file cannot be read, or holds no certificate */
export const readCaFile = async (path: string): Promise<string> => {
  const text = await readText('CA file', path);
  if (text.includes('-----BEGIN CERTIFICATE-----')) return text;
  throw new UserError(`The CA file ${path} has no certificate in PEM`);
};

const readText = async (what: string, path: string): Promise<string> => {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new UserError(`The ${what} ${path} cannot be read: ${messageOf(cause)}`, { cause });
  }
};

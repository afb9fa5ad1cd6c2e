import { readFileSync } from 'node:fs';
import { z } from 'zod';

type Given = Readonly<Record<string, string | undefined>>;

interface SecretProblem {
  /** The setting that the file should have filled. */
  readonly secret: string;
  readonly text: string;
}

interface Filled {
  readonly values: Given;
  /** What is wrong with the files; it repeats nothing of their content. */
  readonly problems: readonly SecretProblem[];
}

const SUFFIX = '_FILE';
const files = new WeakSet<object>();

/**
 * A setting `NAME_FILE` beside a secret `NAME`: the path of a file with the secret, as Docker and
 * Kubernetes hand it over. The environment of a process can be read by more people than such a file.
 */
export const secretFile = (): z.ZodOptional<z.ZodString> => {
  const setting = z.string().optional();
  files.add(setting);
  return setting;
};

const read = (path: string): { readonly text: string } | { readonly problem: string } => {
  try {
    const text = readFileSync(path, 'utf8').trim();
    return text === '' ? { problem: 'the file is empty' } : { text };
  } catch (error) {
    const { code = String(error) } = error as NodeJS.ErrnoException;
    return { problem: `the file cannot be read (${code})` };
  }
};

/** The given settings, with the secrets that stand in files. */
export const withSecretFiles = (shape: z.ZodRawShape, given: Given): Filled => {
  const values: Record<string, string | undefined> = { ...given };
  const problems: SecretProblem[] = [];
  for (const [setting, type] of Object.entries(shape)) {
    const path = given[setting];
    if (!files.has(type) || path === undefined) continue;
    const secret = setting.slice(0, -SUFFIX.length);
    if (given[secret] !== undefined) {
      problems.push({ secret, text: `${setting}: is set and ${secret} too: set one of the two` });
      continue;
    }
    const found = read(path);
    if ('text' in found) values[secret] = found.text;
    else problems.push({ secret, text: `${setting}: ${found.problem}` });
  }
  return { values, problems };
};

/** Whether the environment says a setting: itself, or by the other one of `NAME` and `NAME_FILE`. */
export const isGiven = (name: string, environment: Given): boolean => {
  const plain = name.endsWith(SUFFIX) ? name.slice(0, -SUFFIX.length) : name;
  return [plain, plain + SUFFIX].some((each) => Boolean(environment[each]?.trim()));
};

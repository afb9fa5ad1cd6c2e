import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from '../../services/development/local/child-process.ts';
import { inRepository } from '../../services/shared/process/repository.ts';
import { withLock } from '../../services/shared/process/lock.ts';
import { mkdir, writeFile } from 'node:fs/promises';

/** What this check was written for. The rules of FOCUS 1.2 are inside of the package. */
const VALIDATOR = 'focus-validator==2.2.1';
/** The newest one that takes the NumPy that the validator asks for. */
const ARROW = 'pyarrow==21.0.0';

const script = inRepository('test/exports/install.py');

/** The Python of an environment that has the validator and Apache Arrow. */
export interface ValidatorTools {
  readonly python: string;
}

const run = async (command: string, args: readonly string[]): Promise<string> => {
  const { code, missing, output } = await runCommand(command, args);
  if (code === 0) return output;
  throw new Error(
    missing
      ? `${command} is not installed: install Python 3 with venv (apt-get install python3-venv)`
      : `${command} ${args.join(' ')} failed:\n${output}`,
  );
};

/** Installs the tools into a cache, once. */
export const validatorTools = async (): Promise<ValidatorTools> => {
  const digest = createHash('sha256')
    .update(VALIDATOR + ARROW)
    .update(readFileSync(script))
    .digest('hex')
    .slice(0, 12);
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'usage-pipeline');
  await mkdir(cache, { recursive: true });
  const environment = join(cache, `focus-validator-${digest}`);
  const python = join(environment, 'bin', 'python');
  await withLock(`${environment}.lock`, async () => {
    if (existsSync(join(environment, 'ready'))) return;
    console.log(`Installing ${VALIDATOR} and ${ARROW} from PyPI …`);
    await run('python3', ['-m', 'venv', '--clear', environment]);
    await run(python, ['-m', 'pip', 'install', '-q', '--ignore-requires-python', VALIDATOR, ARROW]);
    await run(python, [script]);
    await writeFile(join(environment, 'ready'), '');
  });
  return { python };
};

interface Violation {
  readonly rule: string;
  /** MUST, SHOULD, … */
  readonly keyword: string;
  readonly says: string;
  readonly rows: string;
  readonly message: string;
}

interface Findings {
  readonly checked: number;
  readonly violated: readonly Violation[];
}

/** What the validator finds; null if no rule that says MUST is violated. */
export const validateFocus = async (
  { python }: ValidatorTools,
  path: string,
): Promise<string | null> => {
  const output = await run(python, [inRepository('test/exports/validate.py'), path]);
  const found = JSON.parse(output.trim().split('\n').at(-1) ?? '') as Findings;
  const { checked } = found;
  const violated = found.violated.filter(({ keyword }) => keyword.startsWith('MUST'));
  if (checked < 100) return `Only ${String(checked)} rules were checked.`;
  console.log(`${String(checked)} rules of FOCUS 1.2 were checked`);
  return violated.length === 0
    ? null
    : violated
        .map(
          (each) =>
            `${each.rule} (${each.keyword}): ${each.says} ${each.rows} rows: ${each.message}`,
        )
        .join('\n');
};

interface Sums {
  readonly rows: number;
  readonly quantity: string;
}

/** How a Parquet file differs from what it should hold; null if it does not. */
export const readParquetSums = async (
  { python }: ValidatorTools,
  path: string,
  column: string,
  expected: Sums,
): Promise<string | null> => {
  const output = await run(python, [inRepository('test/exports/sums.py'), path, column]);
  const { rows, quantity } = JSON.parse(output) as Sums;
  const same = rows === expected.rows && Number(quantity) > 0 && quantity === expected.quantity;
  return same ? null : `${String(rows)} rows, ${quantity} instead of ${JSON.stringify(expected)}`;
};

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inRepository } from '../../services/shared/process/repository.ts';
import { pythonEnvironment, runProgram } from '../support/python-environment.ts';

/** What this check was written for. The rules of FOCUS 1.2 are inside of the package. */
const VALIDATOR = 'focus-validator==2.2.1';
/** The newest one that takes the NumPy that the validator asks for. */
const ARROW = 'pyarrow==21.0.0';

const script = inRepository('test/exports/install.py');

/** The Python of an environment that has the validator, which brings Polars and DuckDB, and Apache Arrow. */
export interface ValidatorTools {
  readonly python: string;
}

/** Installs the tools into a cache, once. */
export const validatorTools = async (): Promise<ValidatorTools> => {
  const digest = createHash('sha256')
    .update(VALIDATOR + ARROW)
    .update(readFileSync(script))
    .digest('hex')
    .slice(0, 12);
  const packages = ['--ignore-requires-python', VALIDATOR, ARROW];
  const programs = await pythonEnvironment(`focus-validator-${digest}`, packages, (python) =>
    runProgram(python, [script]),
  );
  return { python: join(programs, 'python') };
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
  const output = await runProgram(python, [inRepository('test/exports/validate.py'), path]);
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

export const PARQUET_READERS = ['arrow', 'polars', 'duckdb'] as const;
export type ParquetReader = (typeof PARQUET_READERS)[number];

/** How a Parquet file differs from what it should hold; null if it does not. */
export const readParquetSums = async (
  { python }: ValidatorTools,
  reader: ParquetReader,
  path: string,
  column: string,
  expected: Sums,
): Promise<string | null> => {
  const output = await runProgram(python, [
    inRepository('test/exports/sums.py'),
    reader,
    path,
    column,
  ]);
  const { rows, quantity } = JSON.parse(output) as Sums;
  const same = rows === expected.rows && Number(quantity) > 0 && quantity === expected.quantity;
  return same ? null : `${String(rows)} rows, ${quantity} instead of ${JSON.stringify(expected)}`;
};

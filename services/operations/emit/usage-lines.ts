import { isUtf8 } from 'node:buffer';
import { isLosslessNumber, isSafeNumber, parse, type LosslessNumber } from 'lossless-json';
import type { Usage } from '../../provider-sdk/usage.ts';
import { messageOf } from '../../shared/process/errors.ts';
import { fail, succeed, type Result } from '../../shared/model/result.ts';
import type { EmitProblem, GivenUsage } from './given-usage.ts';

export interface UsageLines {
  readonly given: readonly GivenUsage[];
  readonly problems: readonly EmitProblem[];
}

/** Reads JSON lines: one usage each, with the fields of the SDK. Empty lines are skipped, but counted. */
export const readUsageLines = (bytes: Buffer): UsageLines => {
  const given: GivenUsage[] = [];
  const problems: EmitProblem[] = [];
  linesOf(bytes).forEach((each, n) => {
    const line = n + 1;
    // A byte order mark counts as white space.
    const text = isUtf8(each) ? each.toString('utf8').trim() : null;
    if (text === '') return;
    const read = readLine(text);
    if (read.ok) given.push({ line, usage: read.value });
    else problems.push(...read.error.map((problem) => ({ line, ...problem })));
  });
  return { given, problems };
};

/** Split as bytes, so that one line that is not UTF-8 is one problem. */
const linesOf = (bytes: Buffer): readonly Buffer[] => {
  const lines: Buffer[] = [];
  for (let from = 0; from < bytes.length;) {
    const end = bytes.indexOf('\n', from);
    const to = end < 0 ? bytes.length : end;
    lines.push(bytes.subarray(from, to));
    from = to + 1;
  }
  return lines;
};

type LineProblem = Omit<EmitProblem, 'line'>;

/** @param text null if it is not UTF-8 */
const readLine = (text: string | null): Result<Usage, readonly LineProblem[]> => {
  const whole = (problem: string): Result<Usage, readonly LineProblem[]> =>
    fail([{ field: null, problem }]);
  if (text === null) return whole('is not UTF-8');
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    return whole(`is no JSON: ${messageOf(error)}`);
  }
  const isPlain = !Array.isArray(value) && !isLosslessNumber(value);
  if (typeof value !== 'object' || value === null || !isPlain) {
    return whole('must be one JSON object, such as {"subscriptionId": …, "quantity": "1"}');
  }
  const problems: LineProblem[] = [];
  const fields = Object.entries(value).map(([field, each]: [string, unknown]) => {
    // A quantity keeps every digit that is written.
    if (field === 'quantity' && isLosslessNumber(each)) return [field, each.value] as const;
    const rounded = roundedIn(each);
    if (rounded !== null) {
      problems.push({
        field,
        problem: `has the number ${rounded}, which would be rounded: write it as a text, in quotes`,
      });
    }
    return [field, plain(each)] as const;
  });
  return problems.length > 0
    ? fail(problems)
    : succeed(Object.fromEntries(fields) as unknown as Usage);
};

/** The first number that JavaScript would change; null if there is none. */
const roundedIn = (value: unknown): string | null => {
  if (isLosslessNumber(value)) return isSafeNumber(value.value) ? null : value.value;
  if (typeof value !== 'object' || value === null) return null;
  for (const each of Object.values(value)) {
    const found = roundedIn(each);
    if (found !== null) return found;
  }
  return null;
};

const numberOf = (value: LosslessNumber): number => Number(value.value);

const plain = (value: unknown): unknown => {
  if (isLosslessNumber(value)) return numberOf(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plain(each)]));
};

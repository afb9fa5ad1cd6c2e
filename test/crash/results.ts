import { readFile } from 'node:fs/promises';
import { codeDigest } from './code-digest.ts';
import { formatTable } from '../../services/shared/terminal/table.ts';
import { keepResults } from './keep-results.ts';
import { KIND_NAMES } from './kinds.ts';
import type { ScheduleResult } from './schedule.ts';

/** Results of schedules over several runs, by seed and kind, as long as the code is the same. */
export class Results {
  private readonly path: string | null;
  private readonly code: string;
  private readonly byName: Map<string, ScheduleResult>;

  private constructor(path: string | null, code: string, results: readonly ScheduleResult[]) {
    this.path = path;
    this.code = code;
    this.byName = new Map(results.map((result) => [nameOf(result.kind, result.seed), result]));
  }

  /** Goes on with the results of a file; none are kept where the path is null. */
  static async open(path: string | null): Promise<Results> {
    const code = await codeDigest([]);
    const text = path === null ? '' : await readFile(path, 'utf8').catch(() => '');
    const kept = text === '' ? null : (JSON.parse(text) as Kept);
    return new Results(path, code, kept?.code === code ? kept.results : []);
  }

  get all(): readonly ScheduleResult[] {
    return [...this.byName.values()];
  }

  get failed(): readonly ScheduleResult[] {
    return this.all.filter(({ differences }) => differences.length > 0);
  }

  get hasFailed(): boolean {
    return this.failed.length > 0;
  }

  has(kind: string, seed: number): boolean {
    return this.byName.has(nameOf(kind, seed));
  }

  async add(result: ScheduleResult): Promise<void> {
    this.byName.set(nameOf(result.kind, result.seed), result);
    if (this.path === null) return;
    const kept: Kept = { code: this.code, results: this.all };
    await keepResults(this.path, kept);
  }
}

interface Kept {
  /** Digest of the code that the results were made with. */
  readonly code: string;
  readonly results: readonly ScheduleResult[];
}

const nameOf = (kind: string, seed: number): string => `${kind} ${String(seed)}`;

const HEADINGS = [
  'kind',
  'schedules',
  'failures',
  'records',
  'duplicates',
  'dead letters',
  'differences',
];

/** One row for each kind that was played, and their sum. */
export const resultTable = (results: readonly ScheduleResult[]): string => {
  const rowOf = (name: string, of: readonly ScheduleResult[]) => {
    const sum = (count: (result: ScheduleResult) => number): number =>
      of.map(count).reduce((a, b) => a + b, 0);
    return [
      name,
      of.length,
      sum(({ injected }) => injected),
      sum(({ records }) => records),
      sum(({ duplicates }) => duplicates),
      sum(({ deadLetters }) => deadLetters),
      sum(({ differences }) => differences.length),
    ];
  };
  const rows = KIND_NAMES.map((name) => ({
    name,
    of: results.filter(({ kind }) => kind === name),
  })).filter(({ of }) => of.length > 0);
  return formatTable(HEADINGS, [
    ...rows.map(({ name, of }) => rowOf(name, of)),
    rowOf('all', results),
  ]);
};

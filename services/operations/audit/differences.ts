import { partitionName, type SourcePartition } from '../../shared/model/source.ts';

/** What differs. The kinds are stable: scripts may tell by them. */
export type DifferenceKind =
  | 'log' // the log is not the one that was counted, ends before its checkpoint, or cannot be read
  | 'checkpoint'
  | 'ledger'
  | 'dead-letter'
  | 'hourly'
  | 'daily'
  | 'conservation' // counts that must add up do not
  | 'register' // rows of a partition that the register of sources does not have
  | 'billing'; // what the bridge composed is not what the log adds up to

export interface Difference {
  readonly kind: DifferenceKind;
  readonly partition: string;
  /** Offset of the record, or of the first one in the window; null where it is about no record. */
  readonly offset: number | null;
  /** Which row. */
  readonly row: string;
  /** What is recounted and what is stored. */
  readonly problem: string;
}

/** Counts differences, and keeps the first ones. */
export class Differences {
  private readonly limit: number;
  private readonly kept: Difference[] = [];
  private readonly byPartition = new Map<string, number>();
  private all = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  add(
    at: SourcePartition,
    kind: DifferenceKind,
    row: string,
    problem: string,
    offset: number | null = null,
  ): void {
    const partition = partitionName(at);
    this.all++;
    this.byPartition.set(partition, this.of(at) + 1);
    if (this.kept.length < this.limit) this.kept.push({ kind, partition, offset, row, problem });
  }

  of(at: SourcePartition): number {
    return this.byPartition.get(partitionName(at)) ?? 0;
  }

  get count(): number {
    return this.all;
  }

  get first(): readonly Difference[] {
    return this.kept;
  }
}

export type Value = string | number | boolean | null;
/** Values in the order of the columns that they are compared by. */
export type Values = readonly Value[];

/** How a stored row differs from what was recounted; null where it does not. */
export const contradiction = (
  columns: readonly string[],
  recounted: Values,
  stored: Values,
): string | null => {
  if (columns.every((_, at) => (recounted[at] ?? null) === (stored[at] ?? null))) return null;
  const wrong = columns.flatMap((column, at) => {
    const [expected, found] = [recounted[at] ?? null, stored[at] ?? null];
    return expected === found ? [] : [`${column} is ${shown(found)}, recounted ${shown(expected)}`];
  });
  return wrong.join('; ');
};

const LONGEST = 120;

const shown = (value: Value): string => {
  const text = JSON.stringify(value);
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST)}…`;
};

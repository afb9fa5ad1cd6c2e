import { partitionName, type SourcePartition } from '../../shared/model/source.ts';

/** The kinds of differences. They are stable: scripts may rely on them. */
export type DifferenceKind =
  | 'log' // the log is not the log that was counted, ends before its checkpoint, or cannot be read
  | 'checkpoint'
  | 'ledger'
  | 'dead-letter'
  | 'hourly'
  | 'daily'
  | 'adjustment' // what a person recorded and what is counted are not the same
  | 'conservation' // counts that must add up do not
  | 'register' // rows of a partition that the register of sources does not have
  | 'billing'; // what the bridge composed is not what the log adds up to

export interface Difference {
  readonly kind: DifferenceKind;
  readonly partition: string;
  /** The offset of the record, or of the first record in the window; null if it is not about a record. */
  readonly offset: number | null;
  /** The name of the row. */
  readonly row: string;
  /** The recounted and the stored value. */
  readonly problem: string;
}

/** Counts differences and keeps the first ones. */
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
/** Values in the order of the compared columns. */
export type Values = readonly Value[];

/** How a stored row differs from the recounted one; null if it does not. */
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

/** Why the records of a partition cannot be read from an offset on. */
export interface Trouble {
  readonly kind:
    | 'codec' // compressed in a way that Kafka does not have
    | 'damaged' // its checksum or its form is wrong
    | 'missing' // offsets in the middle of a log that no batch holds
    | 'too-large' // takes more memory than one batch may
    | 'withheld' // the broker gives nothing, though the log continues
    | 'refused'; // the broker says that it does not give it
  /** What is wrong, as the end of a sentence. */
  readonly problem: string;
}

/** Where the records of a partition cannot be read further. */
export interface UnreadableBatch extends Trouble {
  /** The first offset that cannot be read; null where only the reader knows it: it is the next one. */
  readonly from: number | null;
  /** Where the next batch begins; null where that cannot be told. */
  readonly next: number | null;
}

/** Which offsets cannot be read, and why, as a sentence without its end. */
export const describeUnreadable = ({ from, next, problem }: UnreadableBatch): string => {
  if (from === null) return problem;
  const last = next === null ? null : next - 1;
  const offsets =
    last === null || last <= from
      ? `offset ${String(from)}`
      : `offsets ${String(from)} to ${String(last)}`;
  return `${offsets}: ${problem}`;
};

/** Why the records of a partition cannot be read from an offset on. */
export interface Trouble {
  readonly kind:
    | 'codec' // compressed with a codec that Kafka does not have
    | 'damaged' // its checksum or its format is wrong
    | 'missing' // no batch holds these offsets, in the middle of a log
    | 'too-large' // takes more memory than a batch may
    | 'withheld' // the broker returns nothing, although the log continues
    | 'refused'; // the broker refuses to return it
  /** What is wrong, as the end of a sentence. */
  readonly problem: string;
}

/** Where the records of a partition cannot be read further. */
export interface UnreadableBatch extends Trouble {
  /**
   * The first offset that cannot be read; null if only the reader knows it, because it is the reader's next
   * offset.
   */
  readonly from: number | null;
  /** Where the next batch begins; null if that is unknown. */
  readonly next: number | null;
}

/** Says which offsets cannot be read, and why, as a sentence without a full stop. */
export const describeUnreadable = ({ from, next, problem }: UnreadableBatch): string => {
  if (from === null) return problem;
  const last = next === null ? null : next - 1;
  const offsets =
    last === null || last <= from
      ? `offset ${String(from)}`
      : `offsets ${String(from)} to ${String(last)}`;
  return `${offsets}: ${problem}`;
};

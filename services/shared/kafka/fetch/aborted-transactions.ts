/** A transaction of which the broker says that it was aborted. */
export interface AbortedTransaction {
  readonly producerId: bigint;
  /** The offset of its first record. */
  readonly firstOffset: number;
}

/** What a batch says of the transaction that it belongs to. */
export interface TransactionBatch {
  readonly lastOffset: number;
  readonly producerId: bigint;
  readonly isTransactional: boolean;
  readonly isAbortMarker: boolean;
}

/**
 * Tells which batches of a partition belong to aborted transactions, asked in the order of the log. The
 * broker lists those transactions in the order in which they ended, and each of their producers may
 * have committed others.
 */
export class AbortedTransactions {
  /** Those that begin further on, the next one last. */
  private readonly ahead: AbortedTransaction[];
  /** Producers of those that have begun and not ended. */
  private readonly open = new Set<bigint>();

  constructor(aborted: readonly AbortedTransaction[]) {
    this.ahead = [...aborted].sort((a, b) => b.firstOffset - a.firstOffset);
  }

  /** Whether the records of a batch must not be given to anybody. */
  holds({ lastOffset, producerId, isTransactional, isAbortMarker }: TransactionBatch): boolean {
    while ((this.ahead.at(-1)?.firstOffset ?? Infinity) <= lastOffset) {
      const begun = this.ahead.pop();
      if (begun) this.open.add(begun.producerId);
    }
    if (isAbortMarker) this.open.delete(producerId);
    return isTransactional && this.open.has(producerId);
  }
}

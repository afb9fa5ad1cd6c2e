/** A transaction that was aborted, as the broker reports it. */
export interface AbortedTransaction {
  readonly producerId: bigint;
  /** The offset of its first record. */
  readonly firstOffset: number;
}

/** What a batch says about its transaction. */
export interface TransactionBatch {
  readonly lastOffset: number;
  readonly producerId: bigint;
  readonly isTransactional: boolean;
  readonly isAbortMarker: boolean;
}

/**
 * Tells which batches of a partition belong to aborted transactions. It must be asked in the order of the
 * log. The broker lists aborted transactions in the order in which they ended, and their producers may have
 * committed other transactions.
 */
export class AbortedTransactions {
  /** The transactions that begin later in the log, the next one last. */
  private readonly ahead: AbortedTransaction[];
  /** The producers of transactions that have begun and not ended. */
  private readonly open = new Set<bigint>();

  constructor(aborted: readonly AbortedTransaction[]) {
    this.ahead = [...aborted].sort((a, b) => b.firstOffset - a.firstOffset);
  }

  /** Whether the records of a batch were aborted, so that no reader may get them. */
  holds({ lastOffset, producerId, isTransactional, isAbortMarker }: TransactionBatch): boolean {
    while ((this.ahead.at(-1)?.firstOffset ?? Infinity) <= lastOffset) {
      const begun = this.ahead.pop();
      if (begun) this.open.add(begun.producerId);
    }
    if (isAbortMarker) this.open.delete(producerId);
    return isTransactional && this.open.has(producerId);
  }
}

/**
 * Why the fold of a partition must not continue. Only that partition halts, and a person decides:
 * continuing would count by unknown rules, or count another log's records as progress of this one.
 */
export interface Halt {
  readonly code:
    | 'unknown-rules' // the rules in force need something that this process does not have
    | 'another-log' // the log does not hold what was read before
    | 'lost-records' // records expired before they were read
    | 'unreadable' // a batch of the log cannot be read
    | 'ledger-mismatch' // folding again did not accept what the ledger holds
    | 'index-full'; // the ids of the usage hours in use exceed the memory bound
  readonly message: string;
}

/**
 * Why the fold of a partition must not continue. It halts that partition alone, and a person decides:
 * going on would count by unknown rules, or count another log's records as progress of this one.
 */
export interface Halt {
  readonly code:
    | 'unknown-rules' // the rules in force ask for what this process does not have
    | 'another-log' // what was read before is not what is there now
    | 'lost-records' // records expired before they were read
    | 'unreadable' // what is in the log there cannot be read
    | 'ledger-mismatch' // folding again did not give what the ledger holds
    | 'index-full'; // the ids of the usage hours in use do not fit the memory bound
  readonly message: string;
}

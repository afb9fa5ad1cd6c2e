import { BRIDGE_MUTANTS } from './bridge/bridge-mutants.ts';
import { MUTANTS, type Mutant } from './mutants.ts';

/** A part of the product that can be simulated. */
export interface Simulation {
  readonly name: string;
  readonly mutants: readonly Mutant[];
  /** What the summary calls each count, in order. */
  readonly labels: readonly (readonly [count: string, label: string])[];
}

const FAULTS = [
  ['crashes', 'crashes'],
  ['reassignments', 'reassignments'],
  ['gracefulStops', 'graceful stops'],
  ['refused', 'requests refused'],
  ['answersLost', 'answers lost'],
  ['lateWrites', 'writes that came late'],
  ['lateAnswers', 'answers that came late'],
] as const;

export const SIMULATIONS: readonly Simulation[] = [
  {
    name: 'aggregator',
    mutants: MUTANTS,
    labels: [
      ['records', 'records'],
      ['accepted', 'accepted events'],
      ['duplicates', 'duplicates'],
      ['deadLetters', 'dead letters'],
      ['closedHours', 'closed hours'],
      ['storedTogether', 'flushes of several hours'],
      ['epochs', 'epochs of a topic'],
      ['lostPartitions', 'partitions lost'],
      ...FAULTS,
    ],
  },
  {
    name: 'bridge',
    mutants: BRIDGE_MUTANTS,
    labels: [
      ['records', 'records'],
      ['compositions', 'compositions written'],
      ['fates', 'submissions'],
      ['accepted', 'accepted'],
      ['duplicates', 'duplicates'],
      ['expired', 'expired'],
      ['rejected', 'rejected for good'],
      ['failed', 'requests that failed'],
      ['lookedUp', 'look-ups'],
      ['carriesWritten', 'carries written'],
      ['carriesCounted', 'carries that count'],
      ['movesWritten', 'moves written'],
      ['movesCounted', 'moves that count'],
      ['movedOn', 'moves of moved carries'],
      ['cameBack', 'carries that came back'],
      ['elsewhere', 'billed by another source'],
      ['commands', 'commands to resubmit'],
      ['foundAccepted', 'refused, and accepted'],
      ['logsLost', 'logs that lost records'],
      ...FAULTS,
    ],
  },
];

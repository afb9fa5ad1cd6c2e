import Sequencer from '@jest/test-sequencer';

/** The files that take longest. One of them begun last would run on alone, with the other workers idle. */
const LONGEST_INTEGRATION = [
  'rebuild-from-log',
  'first-run',
  'audit',
  'aggregator-kill',
  'unreadable-log',
  'halts',
  'losses',
  'losses-audit',
  'rebuild',
  'bridge',
  'bridge-crash',
  'dlq',
  'checks-that-cannot-look',
  'npm-start-outlives-npm',
  'npm-test-outlives-npm',
  'many-windows',
  'outages',
  'reconcile',
];
const LONGEST_UNIT = [
  'hostile/fold',
  'usage-fold/record-folder.property',
  'bridge/fold/bridge-fold.property',
  'local/end-with-parent',
  'usage-fold/loss.property',
  'usage-fold/fold.property',
  'docs/operations',
  'kafka/jars',
  'terminal/printable',
  'build/compile',
  'load/load',
  'workload/generate-workload',
];

const isUnit = ({ context }) => context.config.displayName?.name === 'unit';

/** Integration tests first: they wait, and leave room for unit tests beside the last of them. */
const rankOf = (test) => {
  const longest = isUnit(test) ? LONGEST_UNIT : LONGEST_INTEGRATION;
  const rank = longest.findIndex((name) => test.path.endsWith(`/${name}.test.ts`));
  return (isUnit(test) ? LONGEST_INTEGRATION.length + 1 : 0) + (rank < 0 ? longest.length : rank);
};

/** Jest knows how long a file took only where it ran before; in a fresh clone it goes by the size of files. */
export default class LongestFirst extends Sequencer {
  sort(tests) {
    return [...super.sort(tests)].sort((a, b) => rankOf(a) - rankOf(b));
  }
}

import Sequencer from '@jest/test-sequencer';
import { basename } from 'node:path';

/** The files that take longest. One of them begun last would run on alone, with the other workers idle. */
const LONGEST = [
  'audit',
  'aggregator-kill',
  'rebuild-from-log',
  'unreadable-log',
  'halts',
  'losses',
  'losses-audit',
  'bridge',
  'bridge-crash',
  'dlq',
  'npm-start-outlives-npm',
  'first-run',
  'many-windows',
  'outages',
  'reconcile',
];

const isUnit = ({ context }) => context.config.displayName?.name === 'unit';

const rankOf = (test) => {
  const rank = LONGEST.indexOf(basename(test.path, '.test.ts'));
  if (rank >= 0) return rank;
  return LONGEST.length + (isUnit(test) ? 1 : 0);
};

/** Jest knows how long a file took only where it ran before; in a fresh clone it goes by the size of files. */
export default class LongestFirst extends Sequencer {
  sort(tests) {
    return [...super.sort(tests)].sort((a, b) => rankOf(a) - rankOf(b));
  }
}

import type { Mutant } from '../simulation/mutants.ts';

const SDK = 'services/provider-sdk';
const DRAINER = `${SDK}/spool-drainer.ts`;
const WRITER = 'services/shared/kafka/sequenced-writer.ts';

/** Mistakes in the SDK that runs must notice: what is taken is lost, or stands in another order. */
export const MUTANTS: readonly Mutant[] = [
  {
    name: 'emit-does-not-wait',
    mistake: 'emit resolves when usage is in the buffer',
    patches: [
      {
        file: `${SDK}/direct-route.ts`,
        find: 'await this.appended(this.buffer.add(placed));',
        replace: 'void this.appended(this.buffer.add(placed)).catch(() => undefined);',
      },
    ],
  },
  {
    name: 'failure-is-not-told',
    mistake: 'a batch that was given up is settled like one that arrived',
    patches: [
      {
        file: `${SDK}/send-buffer.ts`,
        find: 'return error instanceof Error ? error : new Error(String(error));',
        replace: 'return null;',
      },
    ],
  },
  {
    name: 'numbers-stand-still',
    mistake: 'the sequence is not moved on after a batch',
    patches: [
      {
        file: WRITER,
        find: 'session.next.set(name, (sequence + records.length) % SEQUENCES);',
        replace: 'session.next.set(name, sequence);',
      },
    ],
  },
  {
    name: 'spool-writes-later',
    mistake: 'emit resolves at once, and what was emitted is written five times a second',
    patches: [
      {
        file: `${SDK}/spool/appender.ts`,
        find: 'this.running ??= this.run();',
        replace: 'setTimeout(() => (this.running ??= this.run()), 200);',
      },
      {
        file: `${SDK}/spool/appender.ts`,
        find: 'return appended;',
        replace: 'appended.catch(() => undefined);\n    return Promise.resolve();',
      },
    ],
  },
  {
    name: 'done-before-sent',
    mistake: 'the position is moved on before the broker has acknowledged',
    patches: [
      {
        file: DRAINER,
        find: 'await this.send(records, signal);',
        replace: '',
      },
      {
        file: DRAINER,
        find: 'await this.parts.spool.done(records.length);',
        replace: `await this.parts.spool.done(records.length);
      await this.send(records, signal);`,
      },
    ],
  },
  {
    name: 'last-record-taken-for-torn',
    mistake: 'the last whole record of a spool is cut with the end that was torn',
    patches: [
      {
        file: `${SDK}/spool/recover.ts`,
        find: 'number >= contents.sent && number < end);',
        replace: 'number >= contents.sent && number < end - (task.end === null ? 1 : 0));',
      },
    ],
  },
  {
    name: 'spool-forgotten',
    mistake: 'a start begins with an empty spool',
    patches: [
      {
        file: `${SDK}/spool/recover.ts`,
        find: 'const names = segmentNames(await readdir(directory));',
        replace: `for (const { name } of segmentNames(await readdir(directory))) await rm(join(directory, name));
  const names = segmentNames([]);`,
      },
    ],
  },
  {
    name: 'newest-first',
    mistake: 'a batch of the spool is sent in reverse',
    patches: [{ file: DRAINER, find: 'batch.push({ key,', replace: 'batch.unshift({ key,' }],
  },
];

import { writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import { openUsageProvider, SpoolFull, DeliveryFailed } from '../../services/provider-sdk/index.ts';
import { seededRandom } from '../support/workload/random.ts';
import { usageOf, type Assignment } from './assignment.ts';

/**
 * A provider that emits usage until it is told to end (SIGTERM), or killed. It prints the numbers of what it is about
 * to emit, and of that for which `emit` has resolved. Usage that was not taken is emitted again.
 */
const assignment = JSON.parse(process.argv[2] ?? '') as Assignment;
const { seed, brokers, topic, spool, giveUpMillis, again, first, life } = assignment;

/** At once: what is buffered in a process dies with it. */
const say = (what: string, ...numbers: readonly (number | string)[]): void => {
  writeSync(1, `${what} ${numbers.join(' ')}\n`);
};

let isEnding = false as boolean;
process.once('SIGTERM', () => (isEnding = true));

const random = seededRandom(seed * 1_000 + life);
const provider = await openUsageProvider({
  kafka: { KAFKA_BROKERS: brokers },
  topic,
  giveUpMillis,
  maxBufferedBytes: 64 * 1024,
  logger: pino({ level: 'info' }, pino.destination(2)),
  ...(spool && { spool }),
});
// A mutant that is not loaded proves nothing.
const marks = globalThis as { patchesToApply?: string[]; patchedModules?: Set<string> };
const missing = (marks.patchesToApply ?? []).filter((url) => !marks.patchedModules?.has(url));
if (missing.length > 0) throw new Error(`not loaded through the patches: ${missing.join()}`);

say('open');
let next = first;

const emit = async (numbers: readonly number[]): Promise<void> => {
  say('emit', ...numbers);
  for (;;) {
    try {
      await provider.emit(numbers.map((n) => usageOf(assignment, n)));
      say('taken', ...numbers);
      return;
    } catch (error) {
      // These two say that it may be emitted again; anything else ends this process, and fails the run.
      if (!(error instanceof DeliveryFailed || error instanceof SpoolFull)) throw error;
      say('refused', ...numbers);
      await delay(20);
    }
  }
};

const lane = async (): Promise<void> => {
  while (!isEnding) {
    const count = 1 + random.below(8);
    const numbers = Array.from({ length: count }, (_, index) => next + index);
    next += count;
    await emit(numbers);
    await delay(20 + random.below(80));
  }
};

if (again.length > 0) await emit(again);
await Promise.all([lane(), lane(), lane()]);
await provider.flush();
await provider.close();
say('closed');

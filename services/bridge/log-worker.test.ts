import { pino } from 'pino';
import {
  hourRecords,
  aggregateOf,
  hour,
  keyring,
  knowledgeOf,
  logOf,
  sourceOf,
  termsOfAll,
  uriOf,
} from '../../test/support/bridge/aggregates-log.ts';
import { submissionOf } from '../../test/support/bridge/examples.ts';
import { encodedBatch } from '../../test/support/kafka/record-batch.ts';
import { Gate } from './commerce/gate.ts';
import { LogWorker } from './log-worker.ts';
import type { Store } from './ports.ts';
import { SourceRegister } from './source-register.ts';

const AT = { topic: 'usage.events.compute', epoch: 1, partition: 0 };
const nothing = (): Promise<void> => Promise.resolve();
const never = (): Promise<never> => new Promise(() => undefined);

test('what another bridge composes while this one reads what is stored is queued once, not twice', async () => {
  const records = logOf(hourRecords(AT, hour(0), [aggregateOf(AT, hour(0), uriOf('a'))]));
  const composition = { at: AT, hour: hour(0), firstOffset: 0, count: 1 };
  const submission = submissionOf('00000000-0000-4000-8000-000000000001', uriOf('a'), 0);
  const store = {
    terms: () => Promise.resolve([termsOfAll()]),
    checkpoint: () => Promise.resolve(null),
    // The other bridge stores its composition between these two.
    composedBefore: () => Promise.resolve(new Map()),
    unfinished: () => Promise.resolve([composition]),
    pendingOf: () => Promise.resolve([{ ...composition, submission }]),
    writeSubmissions: nothing,
    writeCompositions: nothing,
    writeCheckpoint: nothing,
    writeOutcomes: nothing,
    writeRequests: nothing,
  } satisfies Partial<Store> as unknown as Store;
  const { decode } = knowledgeOf([]);
  const worker = new LogWorker(
    { topic: 'usage.aggregates', partition: 0 },
    { decode, keyring, partitions: 1 },
    {
      store,
      register: new SourceRegister(() => Promise.resolve([sourceOf()])),
      recover: never,
      log: { bounds: () => Promise.resolve({ low: 0, high: records.length }) },
      sender: {
        commerce: { submit: never, holdings: never },
        gate: new Gate({ maxInFlight: 1, retryMillis: 1_000 }, Date.now),
        outbox: {
          appendMoves: () => Promise.resolve(),
          appendMoved: () => Promise.resolve(),
          appendCarries: nothing,
        },
        cannotCarry: () => Promise.resolve(() => null),
      },
      logger: pino({ level: 'silent' }),
      now: Date.now,
      persist: (_what, step) => step(),
      report: () => undefined,
      onCrash: (error) => {
        throw error;
      },
    },
    { flushInterval: 0, retryMillis: 1_000, clockSkewMillis: 0 },
  );
  await worker.position();
  await worker.consume([encodedBatch(records)]);
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect(worker.status()).toMatchObject({ compositions: 1, pending: 1 });
  worker.drop();
});

import { pino } from 'pino';
import { compositionOf, settle, submissions } from '../../test/support/bridge/sender-world.ts';
import { batchBody } from './commerce/usage-message.ts';
import { DryRun } from './dry-run.ts';
import type { Outcome } from '../shared/billing/outcome.ts';
import type { Pending, RequestRecord } from './ports.ts';

const world = (hours: readonly (readonly Pending[])[]) => {
  const requests: RequestRecord[] = [];
  const outcomes: Outcome[] = [];
  const crashes: Error[] = [];
  const dryRun = new DryRun({
    partition: 0,
    store: {
      pendingOf: ({ hour }) => Promise.resolve(hours.find(([each]) => each?.hour === hour) ?? []),
      writeOutcomes: (written) => {
        outcomes.push(...written);
        return Promise.resolve();
      },
      writeRequests: (_partition, made) => {
        requests.push(...made);
        return Promise.resolve();
      },
    },
    now: () => 5,
    logger: pino({ level: 'silent' }),
    persist: (_what, step) => step(),
    bodyOf: (batch) => batchBody(batch, true),
  });
  return { dryRun, requests, outcomes, crashes };
};

test('what would be sent is recorded, word for word, and has no outcome', async () => {
  const pending = submissions(60);
  const { dryRun, requests, outcomes } = world([pending]);
  dryRun.start(() => undefined);
  dryRun.add([compositionOf(pending)]);
  await settle();
  expect(requests.map(({ submissionIds }) => submissionIds.length)).toEqual([25, 25, 10]);
  expect(requests.flatMap(({ submissionIds }) => submissionIds)).toEqual(
    pending.map(({ submission }) => submission.submissionId),
  );
  expect(requests[2]).toMatchObject({
    operation: 'dry-run',
    sentAt: 5,
    body: batchBody(pending.slice(50), true),
  });
  expect(outcomes).toEqual([]);
  expect(dryRun.status()).toEqual({ pending: 60, lastError: null, notSentFor: 0 });
  await dryRun.stop();
});

test('compositions that are added while others are recorded are recorded too, each once', async () => {
  const pending = submissions(3);
  const { dryRun, requests } = world([pending]);
  dryRun.add([compositionOf(pending)]);
  dryRun.start(() => undefined);
  dryRun.add([]);
  await settle();
  expect(requests).toHaveLength(1);
});

test('a dry run that is dropped records no more, and its failure is nobody’s crash', async () => {
  const pending = submissions(3);
  const { dryRun, requests, crashes } = world([pending]);
  dryRun.start((error) => crashes.push(error));
  dryRun.drop();
  dryRun.add([compositionOf(pending)]);
  await settle();
  expect(requests).toEqual([]);
  expect(crashes).toEqual([]);
});

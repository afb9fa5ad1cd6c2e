import { pino } from 'pino';
import { fail, succeed } from '../shared/model/result.ts';
import type { BridgeCheckpoint } from './fold/bridge-fold.ts';
import { resumePoint } from './resume-point.ts';
import { WorkerNotices } from './worker-notices.ts';

const HALT = { code: 'lost-records', message: 'cannot be proven' } as const;
const checkpoint = (resumeOffset: number, nextOffset: number): BridgeCheckpoint => ({
  resumeOffset,
  nextOffset,
  lastRecord: { offset: nextOffset - 1, digest: 'd' },
});

const resume = async (given: BridgeCheckpoint | null, low: number, canProve = true) => {
  const steps: unknown[] = [];
  const found = await resumePoint(
    3,
    given,
    { low, composed: new Map() },
    {
      store: {
        writeCheckpoint: (partition, written) => {
          steps.push([partition, written]);
          return Promise.resolve();
        },
      },
      recover: (partition) => {
        steps.push(`recover ${String(partition)}`);
        return Promise.resolve(canProve ? succeed({ hours: 1, carries: 0 }) : fail(HALT));
      },
      notices: new WorkerNotices('topic', pino({ level: 'silent' })),
      persist: (_, step) => step(),
    },
  );
  return { found, steps };
};

test('while nothing has expired unread, the checkpoint is where reading begins', async () => {
  const given = checkpoint(10, 20);
  expect(await resume(given, 10)).toEqual({ found: succeed(given), steps: [] });
  expect((await resume(null, 0)).found).toMatchObject({ ok: true, value: { resumeOffset: 0 } });
});

test('what expired unread is published again before the checkpoint passes it', async () => {
  const begun = { nextOffset: 30, resumeOffset: 30, lastRecord: null };
  expect(await resume(checkpoint(10, 20), 30)).toEqual({
    found: succeed(begun),
    steps: ['recover 3', [3, begun]],
  });
  expect((await resume(null, 5)).found).toMatchObject({ value: { nextOffset: 5 } });
});

test('if only the beginning of an open hour expired, the last record folded must still be the same', async () => {
  const { found } = await resume(checkpoint(10, 20), 15);
  expect(found).toEqual(succeed({ ...checkpoint(15, 20) }));
});

test('what cannot be proven halts, and nothing passes it', async () => {
  expect(await resume(checkpoint(10, 20), 30, false)).toEqual({
    found: fail(HALT),
    steps: ['recover 3'],
  });
});

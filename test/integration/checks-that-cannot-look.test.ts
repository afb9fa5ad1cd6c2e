import type { Provider } from '../../services/shared/sources/providers.ts';
import { HOUR_MILLIS } from '../../services/shared/model/time.ts';
import { Pipeline } from '../support/pipeline.ts';
import { writeSealedHistory } from '../support/sealed-history.ts';

/** A check that has looked at nothing has found nothing, and must not say that all is well. */
let pipeline: Pipeline;

const openWith = async (providers?: readonly Provider[]): Promise<void> => {
  pipeline = await Pipeline.open(HOUR_MILLIS, providers);
};

afterEach(() => pipeline.close());

test('without any source the audit, the search for losses and status fail', async () => {
  await openWith([]);
  const audit = await pipeline.usagectl('audit');
  expect(audit).toMatchObject({ code: 1, stderr: '' });
  expect(audit.stdout).toContain('Nothing was recounted');
  expect(audit.stdout).not.toContain('No difference');
  for (const args of [
    ['loss', 'show'],
    ['loss', 'show', '--json'],
  ]) {
    const losses = await pipeline.usagectl(...args);
    expect(losses).toMatchObject({ code: 1, stdout: '' });
    expect(losses.stderr).toContain('There is no open live source, so nothing was checked');
  }
  expect((await pipeline.usagectl('status')).code).toBe(1);
});

test('sources of which nothing was counted are not audited either', async () => {
  await openWith();
  const audit = await pipeline.usagectl('audit', '--json');
  expect(audit).toMatchObject({ code: 1, stderr: '' });
  const { partitions } = JSON.parse(audit.stdout) as { partitions: readonly { state: string }[] };
  expect(partitions.map(({ state }) => state)).toEqual(Array(3).fill('not begun'));
  expect((await pipeline.usagectl('audit')).stdout).toContain('Nothing was recounted');
  expect((await pipeline.usagectl('loss', 'show')).code).toBe(0); // it has read every log
});

test('a rebuild of hours that the source does not have compares nothing', async () => {
  await openWith([]);
  const hour = Date.UTC(2020, 1, 3, 4) / 1000;
  await writeSealedHistory(pipeline.stack.clickHouse, 'usage.history.past', [{ hour }]);
  for (const [from, to] of [
    ['2020-02-02T00:00:00Z', '2020-02-03T04:00:00Z'],
    ['2020-02-03T05:00:00Z', '2020-02-04T00:00:00Z'],
  ] as const) {
    const args = ['usage.history.past', '--from', from, '--to', to];
    const rebuilt = await pipeline.usagectl('rebuild', ...args);
    expect(rebuilt).toMatchObject({ code: 1, stdout: '' });
    expect(rebuilt.stderr).toContain('2020-02-03T04:00:00Z to 2020-02-03T05:00:00Z');
  }
});

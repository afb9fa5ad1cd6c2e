import { openSource } from '../../services/shared/sources/source-opening.ts';
import type { RegisteredSource } from '../../services/shared/sources/register.ts';
import { HOUR_MILLIS } from '../../services/shared/model/time.ts';
import { Pipeline, STORAGE_ONLY } from '../support/pipeline.ts';
import { waitFor } from '../support/wait-for.ts';
import { usageNow } from '../support/workload/usage-now.ts';

let pipeline: Pipeline;

beforeEach(async () => {
  pipeline = await Pipeline.open(HOUR_MILLIS, STORAGE_ONLY);
});

afterEach(async () => {
  await pipeline.close();
});

const produce = (seed: number, source: RegisteredSource): Promise<number> =>
  pipeline.produce(usageNow(seed, { events: 300, topics: [source], shares: {} }));

test('a log that is known to be another by the ledger alone can be given up like any other', async () => {
  const source = await pipeline.onlySource();
  const { admin } = pipeline;
  await produce(1, source);
  const dying = await pipeline.startAggregator({ USAGE_FAILPOINT: 'after-windows:1' });
  await dying.exited;
  await admin.deleteTopics({ topics: [source.topic] });
  await waitFor(
    'the topic is gone',
    async () => !(await admin.listTopics()).includes(source.topic),
  );
  await openSource(pipeline.tools, source);
  await produce(2, source);
  const aggregator = await pipeline.startAggregator();
  await waitFor('the partition halts', () =>
    Promise.resolve(aggregator.output().includes('"code":"ledger-mismatch"')),
  );
  // docs/operations.md says of this halt: "as for another-log", so "epoch new --accept-loss".
  const shown = await pipeline.usagectl('loss', 'show');
  expect(shown.stdout).toContain('epoch new');
  const begun = await pipeline.usagectl(
    'epoch',
    'new',
    source.topic,
    '--accept-loss',
    '--reason',
    'a test',
  );
  expect(begun.code).toBe(1);
  expect(begun.stderr).toContain('records that nobody has counted');
  const deleted = await pipeline.usagectl(
    'epoch',
    'new',
    source.topic,
    '--delete-unread',
    '--reason',
    'a test',
  );
  expect(deleted).toMatchObject({ code: 0, stderr: '' });
});

import { openSource } from '../../services/shared/sources/open-source.ts';
import type { RegisteredSource } from '../../services/shared/sources/register.ts';
import { HOUR_MILLIS, millis } from '../../services/shared/time.ts';
import { Pipeline } from '../support/pipeline.ts';
import { usagectl } from '../support/service-process.ts';
import { waitFor } from '../support/wait-for.ts';
import { generateWorkload } from '../support/workload/generate-workload.ts';

let pipeline: Pipeline;

beforeEach(async () => {
  pipeline = await Pipeline.open(HOUR_MILLIS, [
    { name: 'storage', namespaces: ['microsoft.storage'], partitions: 1 },
  ]);
}, 60_000);

afterEach(async () => {
  await pipeline.close();
});

const produce = async (seed: number, source: RegisteredSource): Promise<void> => {
  const now = millis(Date.now());
  const size = { events: 300, tenants: 5, resourcesPerTenant: 8, shares: {} };
  await pipeline.produce(
    generateWorkload({ seed, ...size, topics: [source], reportedFrom: now, reportedTo: now }),
  );
};

test('a log that is known to be another by the ledger alone can be given up like any other', async () => {
  const [source] = await pipeline.sources();
  if (!source) throw new Error('there is no source');
  const { admin } = pipeline.tools;
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
  const shown = await usagectl(['loss', 'show'], pipeline.environment);
  expect(shown.stdout).toContain('epoch new');
  const begun = await usagectl(
    ['epoch', 'new', source.topic, '--accept-loss', '--reason', 'a test'],
    pipeline.environment,
  );
  expect(begun.code).toBe(1);
  expect(begun.stderr).toContain('records that nobody has counted');
  const deleted = await usagectl(
    ['epoch', 'new', source.topic, '--delete-unread', '--reason', 'a test'],
    pipeline.environment,
  );
  expect(deleted).toMatchObject({ code: 0, stderr: '' });
});

import { openSource } from '../../services/shared/sources/source-opening.ts';
import { HOUR_MILLIS } from '../../services/shared/model/time.ts';
import { Pipeline } from '../support/pipeline.ts';
import { waitFor } from '../support/wait-for.ts';

let pipeline: Pipeline;

beforeAll(async () => {
  pipeline = await Pipeline.open(HOUR_MILLIS, [
    { name: 'storage', namespaces: ['microsoft.storage'], partitions: 2 },
  ]);
});

afterAll(async () => {
  await pipeline.close();
});

test('a topic of which one partition lost records and another its log can be helped out of both', async () => {
  const source = await pipeline.onlySource();
  const { topic } = source;
  const { admin } = pipeline;
  const { writer } = pipeline.tools;
  const send = (partition: number, count: number) =>
    writer.append(
      { topic, partition },
      Array.from({ length: count }, () => ({ key: null, value: Buffer.from('x'), headers: {} })),
    );
  await send(0, 20);
  const aggregator = await pipeline.startAggregator();
  await pipeline.settled();
  await aggregator.stop();

  await admin.deleteTopics({ topics: [topic] });
  await waitFor('the topic is gone', async () => !(await admin.listTopics()).includes(topic));
  await openSource(pipeline.tools, source);
  await send(1, 9);
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 1, offset: '5' }] });

  await pipeline.startAggregator();
  const reason = ['--reason', 'a test'];
  const accept = await pipeline.usagectl('loss', 'accept', topic, ...reason);
  expect(accept).toMatchObject({ code: 0, stderr: '' });
  expect(accept.stdout).toContain('epoch new');
  await waitFor('what is left is folded', async () => {
    const shown = await pipeline.usagectl('loss', 'show');
    return !shown.stdout.includes('records expired');
  });
  const begin = await pipeline.usagectl('epoch', 'new', topic, '--accept-loss', ...reason);
  expect(begin.stderr).toBe('');
  expect(begin.stdout).toContain('Epoch 2');
});

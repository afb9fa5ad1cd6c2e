import { UserError } from '../process/errors.ts';
import {
  aggregatesTopic,
  deadLetterTopic,
  differences,
  historyTopic,
  liveTopic,
  refuseDifferences,
  type TopicSpec,
} from './topics.ts';

const size = { topic: 'usage.events.compute', partitions: 4, replicationFactor: 1 };
const wanted = liveTopic(size);

const live = (changes: Partial<Parameters<typeof differences>[1]> = {}) => ({
  partitions: 4,
  replicas: 1,
  settings: { ...wanted.settings, 'segment.bytes': '1' },
  ...changes,
});

test('a topic that is as it must be does not differ, whatever else is set', () => {
  expect(differences(wanted, live())).toEqual([]);
  expect(differences(wanted, live({ replicas: 3 }))).toEqual([]);
});

test.each<[string, ReturnType<typeof live>, string]>([
  ['fewer partitions', live({ partitions: 3 }), 'has 3 partitions instead of 4'],
  ['more partitions', live({ partitions: 5 }), 'has 5 partitions instead of 4'],
  ['fewer replicas', live({ replicas: 0 }), 'has 0 replicas instead of 1'],
  [
    'another setting',
    live({ settings: { ...wanted.settings, 'message.timestamp.type': 'CreateTime' } }),
    'has message.timestamp.type=CreateTime instead of LogAppendTime',
  ],
  [
    'one-lz4-batch-stops-all: compression',
    live({ settings: { ...wanted.settings, 'compression.type': 'producer' } }),
    'has compression.type=producer instead of uncompressed (what is in it already stays readable)',
  ],
  [
    'a setting that the broker does not tell',
    live({
      settings: Object.fromEntries(
        Object.entries(wanted.settings).filter(([name]) => name !== 'retention.ms'),
      ),
    }),
    'has retention.ms=(unknown) instead of 1209600000',
  ],
])('a topic with %s differs', (_, actual, problem) => {
  expect(differences(wanted, actual)).toEqual([{ topic: size.topic, problem }]);
});

test('every difference is told, and stops the start', () => {
  const found = differences(wanted, live({ partitions: 1, replicas: 0, settings: {} }));
  expect(found).toHaveLength(2 + Object.keys(wanted.settings).length);
  expect(() => refuseDifferences(found)).toThrow(UserError);
  expect(() => refuseDifferences(found)).toThrow(
    'usage.events.compute has 1 partitions instead of 4; ',
  );
  expect(() => refuseDifferences([])).not.toThrow();
});

test.each<[string, (given: typeof size) => TopicSpec, string, string]>([
  ['live', liveTopic, 'LogAppendTime', '1209600000'],
  ['history', historyTopic, 'CreateTime', '-1'],
  ['dead letters', deadLetterTopic, 'LogAppendTime', '7776000000'],
  ['aggregates', aggregatesTopic, 'CreateTime', '-1'],
])(
  '%s: records keep the right time for the right while, and are not compacted',
  (_, spec, type, retention) => {
    expect(spec(size).settings).toMatchObject({
      'message.timestamp.type': type,
      'retention.ms': retention,
      'retention.bytes': '-1',
      'cleanup.policy': 'delete',
    });
  },
);

test('with three replicas two must have an acknowledged record', () => {
  const insync = (replicationFactor: number): string | undefined =>
    liveTopic({ ...size, replicationFactor }).settings['min.insync.replicas'];
  expect([1, 2, 3, 5].map(insync)).toEqual(['1', '1', '2', '2']);
});

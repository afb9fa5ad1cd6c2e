import { timeOf } from '../model/time-text.ts';
import { HOUR_MILLIS, millis } from '../model/time.ts';
import {
  firstUnwritten,
  restatedHours,
  unwrittenTexts,
  type Restatement,
} from './restated-hours.ts';

const of = (topic: string, hour: number, generation: number, epoch = 1): Restatement => ({
  topic,
  epoch,
  hour: millis(hour * HOUR_MILLIS),
  generation,
  isWritten: true,
});

test('hours come once, in order, with the generations of the sources that count', () => {
  const restatements = [
    of('a', 2, 3),
    of('b', 2, 5),
    of('b', 1, 1),
    of('a', 2, 9, 2),
    of('c', 0, 7),
  ];
  expect(
    restatedHours(restatements, [
      { topic: 'b', epoch: 1 },
      { topic: 'a', epoch: 1 },
    ]),
  ).toEqual([
    { hour: HOUR_MILLIS, generation: 1 },
    { hour: 2 * HOUR_MILLIS, generation: 8 },
  ]);
  expect(restatedHours(restatements, [])).toEqual([]);
});

test('second-source-restates-too: a restatement of another source changes an hour that one has restated more often', () => {
  const sources = [
    { topic: 'a', epoch: 1 },
    { topic: 'b', epoch: 1 },
  ];
  const once = [of('a', 2, 3)];
  expect(restatedHours([...once, of('b', 2, 1)], sources)).not.toEqual(
    restatedHours(once, sources),
  );
});

test('the first hour that is not written is that of a source that counts', () => {
  const begun = (topic: string, hour: number) => ({ ...of(topic, hour, 1), isWritten: false });
  const restatements = [of('a', 0, 1), begun('b', 1), begun('a', 3), begun('a', 2)];
  const a = { topic: 'a', epoch: 1 };
  expect(firstUnwritten(restatements, [a])).toBe(2 * HOUR_MILLIS);
  expect(firstUnwritten(restatements, [a, { topic: 'b', epoch: 1 }])).toBe(HOUR_MILLIS);
  expect(firstUnwritten([of('a', 0, 1)], [a])).toBeNull();
});

test('interrupted-rebuild: an operator is told the command that finishes it', () => {
  const first = timeOf('2025-03-01T02:00:00Z') / HOUR_MILLIS;
  const texts = unwrittenTexts(
    [
      { ...of('a', first + 3, 1, 2), isWritten: false },
      { ...of('a', first, 1, 2), isWritten: false },
      of('b', first, 1),
    ],
    HOUR_MILLIS,
  );
  expect(texts).toHaveLength(1);
  expect(texts[0]).toMatch(/^a: 2 reported hours are being restated, from 2025-03-01T02:00:00Z on/);
  expect(texts[0]).toContain(
    'npx usagectl rebuild a --epoch 2 --from 2025-03-01T02:00:00Z --to 2025-03-01T06:00:00Z --apply --reason',
  );
});

import { HOUR_MILLIS, millis } from '../model/time.ts';
import { restatedHours, type Restatement } from './restated-hours.ts';

const of = (topic: string, hour: number, generation: number, epoch = 1): Restatement => ({
  topic,
  epoch,
  hour: millis(hour * HOUR_MILLIS),
  generation,
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

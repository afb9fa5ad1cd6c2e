import { HOUR_MILLIS, millis } from '../shared/model/time.ts';
import { restatedHours, type Restatement } from './restated-hour.ts';

const of = (topic: string, hour: number, generation: number, epoch = 1): Restatement => ({
  topic,
  epoch,
  hour: millis(hour * HOUR_MILLIS),
  generation,
});

test('hours come once, in order, with the newest generation of the sources that count', () => {
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
    { hour: 2 * HOUR_MILLIS, generation: 5 },
  ]);
  expect(restatedHours(restatements, [])).toEqual([]);
});

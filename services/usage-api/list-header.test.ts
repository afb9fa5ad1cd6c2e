import { HOUR_MILLIS, isoText, millis } from '../shared/model/time.ts';
import { listHeader } from './list-header.ts';

const hours = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, hour) => isoText(millis(hour * HOUR_MILLIS)));

test('a list has commas between', () => {
  expect(listHeader([])).toBe('');
  expect(listHeader(['a'])).toBe('a');
  expect(listHeader(['a', 'b', 'c'])).toBe('a, b, c');
});

test('a list of years does not make an answer that no client reads', () => {
  const text = listHeader(hours(20_000));
  expect(text.length).toBeLessThan(4200);
  const [, more] = /, and (\d+) more$/.exec(text) ?? [];
  expect(text.split(', ').length - 1 + Number(more)).toBe(20_000);
});

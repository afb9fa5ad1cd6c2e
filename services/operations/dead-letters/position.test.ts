import { parsePosition, positionText } from './position.ts';

test('a position is read as it is written', () => {
  const position = { topic: 'usage.events.compute', epoch: 2, partition: 3, offset: 4711 };
  expect(positionText(position)).toBe('usage.events.compute/2/3/4711');
  expect(parsePosition(positionText(position))).toEqual(position);
});

test('without an epoch, the option says it, or nobody does', () => {
  expect(parsePosition('t/3/4')).toEqual({ topic: 't', epoch: null, partition: 3, offset: 4 });
  expect(parsePosition('t/3/4', 7)).toMatchObject({ epoch: 7 });
  expect(() => parsePosition('t/1/3/4', 7)).toThrow(/another/);
});

test.each(['', 't', 't/1', 't/x/1', '/1/2', 't/1/2/3/4', 't/1/-2'])('"%s" is none', (text) => {
  expect(() => parsePosition(text)).toThrow(/not the position of a dead letter/);
});

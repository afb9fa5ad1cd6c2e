import { userInfo } from 'node:os';
import { actorName } from './actor.ts';

test('who did it is known where $USER is not set: the system is asked', () => {
  expect(actorName({})).toBe(userInfo().username);
  expect(actorName({ USER: 'anybody' })).toBe(userInfo().username);
});

test('an actor that is given is taken, and must be a name', () => {
  const system = () => 'system';
  expect(actorName({ USAGE_ACTOR: ' Olga Ö. ' }, system)).toBe('Olga Ö.');
  for (const name of ['', ' ', 'a\nb', '\u001b[2J', 'x'.repeat(201)]) {
    expect(() => actorName({ USAGE_ACTOR: name }, system)).toThrow('1 to 200 characters');
  }
});

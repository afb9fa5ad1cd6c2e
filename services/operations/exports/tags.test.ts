import { tagNamed, tagsOf } from './tags.ts';

const entries = (text: string | null): readonly unknown[] => [...tagsOf(text)];

test.each([null, '', 'null', '""', '[]', '[1]', '7', 'not JSON', '{'])('%j has no tags', (text) => {
  expect(entries(text)).toEqual([]);
});

test('JSON, and JSON inside of a JSON text, have the same tags', () => {
  const json = '{"b":"2","a":"1"}';
  expect(entries(json)).toEqual([
    ['a', '1'],
    ['b', '2'],
  ]);
  expect(entries(JSON.stringify(json))).toEqual(entries(json));
});

test('a tag without a value is true; other values are text, so that the object stays flat', () => {
  expect(entries('{"a":null,"b":"","c":true,"d":7,"e":{"f":1}}')).toEqual([
    ['a', true],
    ['b', true],
    ['c', true],
    ['d', '7'],
    ['e', '{"f":1}'],
  ]);
});

test('a tag is found in any case, and a tag called like a method is one like any other', () => {
  const tags = tagsOf('{"CostCenter":"42","__proto__":"x"}');
  expect(tagNamed(tags, 'costcenter')).toBe('42');
  expect(tagNamed(tags, '__proto__')).toBe('x');
  expect(tagNamed(tags, 'toString')).toBeNull();
});

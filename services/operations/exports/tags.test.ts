import { flatTags, tagNamed, tagsOf } from './tags.ts';

const entries = (text: string | null): readonly unknown[] => [...tagsOf(text)];
const ofText = (text: string) => ({ type: 'text', text });
const ofJson = (text: string) => ({ type: 'json', text });

test.each([null, '', 'null', '""', '[]', '[1]', '7', 'not JSON', '{'])('%j has no tags', (text) => {
  expect(entries(text)).toEqual([]);
  expect(flatTags(tagsOf(text))).toBeNull();
});

test('JSON, and JSON inside of a JSON text, have the same tags', () => {
  const json = '{"b":"2","a":"1"}';
  expect(entries(json)).toEqual([
    ['a', ofText('1')],
    ['b', ofText('2')],
  ]);
  expect(entries(JSON.stringify(json))).toEqual(entries(json));
});

test('tags-become-one: what is written differently is another value, and no digit of a number is lost', () => {
  const values = [
    '""',
    '"true"',
    'true',
    'null',
    '"7"',
    '7',
    '9007199254740992',
    '9007199254740993',
    '1.0',
    '0.1000000000000000000001',
    '{"f":9007199254740993}',
    '"{\\"f\\":9007199254740993}"',
  ];
  const found = values.map((value) => tagNamed(tagsOf(`{"a":${value}}`), 'a'));
  expect(new Set(found.map((each) => JSON.stringify(each))).size).toBe(values.length);
  expect(found[7]).toEqual(ofJson('9007199254740993'));
  expect(found[10]).toEqual(ofJson('{"f":9007199254740993}'));
});

test('of a name that is there twice the last value counts, as everywhere in JSON', () => {
  expect(entries('{"a":"1","a":2}')).toEqual([['a', ofJson('2')]]);
});

test('in a flat object a tag without a value is true, a nested value is text, and others stay as they are', () => {
  const text =
    '{"a":null,"b":"","c":true,"d":9007199254740993,"e":{"f":1},"g":"true","h":[1],"i":false}';
  expect(flatTags(tagsOf(text))).toBe(
    '{"a":true,"b":true,"c":true,"d":9007199254740993,"e":"{\\"f\\":1}","g":"true","h":"[1]","i":false}',
  );
});

test('a tag is found in any case, and a tag called like a method is one like any other', () => {
  const tags = tagsOf('{"CostCenter":"42","__proto__":"x"}');
  expect(tagNamed(tags, 'costcenter')).toEqual(ofText('42'));
  expect(tagNamed(tags, '__proto__')).toEqual(ofText('x'));
  expect(tagNamed(tags, 'toString')).toBeNull();
});

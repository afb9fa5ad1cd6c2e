import { millis } from './time.ts';
import { usageEventId, uuidOf, uuidText } from './usage-event.ts';

const consumption = {
  subscriptionId: '0f723db3-b972-4e48-9aaa-614b04457bf2',
  meterId: 'B5C15376-6C94-4FDD-B655-1A69D138ACA3',
  resourceUri: '/subscriptions/0f723db3-b972-4e48-9aaa-614b04457bf2/resourceGroups/Größe',
  usageStartTime: millis(Date.UTC(2019, 11, 10, 18)),
  usageEndTime: millis(Date.UTC(2019, 11, 10, 19)),
};
const idOf = (changes: Partial<typeof consumption> = {}, discriminator?: string): string =>
  uuidText(usageEventId({ ...consumption, ...changes }, discriminator));

test('an id is what was stored and sent with it before: it never changes', () => {
  expect(idOf()).toBe('c389a16b-1b5f-5c29-a5df-766f547301d2');
  expect(idOf({}, '2019-12-10T19:00:00Z')).toBe('057ed20d-1c70-5dac-918b-ca390fc90e9e');
});

test('an id is a UUID of version 5', () => {
  expect(idOf()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test('the case of ASCII letters makes no difference', () => {
  const { subscriptionId, meterId } = consumption;
  const other = {
    subscriptionId: subscriptionId.toUpperCase(),
    meterId: meterId.toLowerCase(),
    resourceUri: consumption.resourceUri.replace('resourceGroups/Gr', 'RESOURCEGROUPS/gR'),
  };
  expect(idOf(other)).toBe(idOf());
  expect(idOf({ resourceUri: consumption.resourceUri.replace('ö', 'Ö') })).not.toBe(idOf());
});

test('everything that was consumed makes a difference, and no text can pass for another', () => {
  const ids = [
    idOf(),
    idOf({ subscriptionId: 'x' }),
    idOf({ meterId: 'x' }),
    idOf({ resourceUri: 'x' }),
    idOf({ usageStartTime: millis(consumption.usageStartTime + 1) }),
    idOf({ usageEndTime: millis(consumption.usageEndTime - 1) }),
    idOf({}, 'x'),
    idOf({ subscriptionId: 'a","b', meterId: 'c' }),
    idOf({ subscriptionId: 'a', meterId: 'b","c' }),
  ];
  expect(new Set(ids).size).toBe(ids.length);
});

test('ids are 16 bytes of their own, written as text from any view', () => {
  const id = uuidOf(['a']);
  expect(id).toHaveLength(16);
  expect(uuidOf(['a'])).not.toBe(id);
  const larger = Buffer.concat([Buffer.alloc(3), id, Buffer.alloc(3)]);
  expect(uuidText(larger.subarray(3, 19))).toBe(uuidText(id));
});

import { readMeterCatalog } from '../../shared/meters/meter-catalog.ts';
import { findMeterId } from './find-meter.ts';

const CATALOG = readMeterCatalog();

const meter = CATALOG[0];
if (!meter) throw new Error('the catalog is empty');

const find = (text: string) => findMeterId(text, CATALOG);

test.each([meter.meterId, meter.meterId.toLowerCase(), ` ${meter.meterId} `])(
  'a meter is found by its id, in any case: %s',
  (text) => {
    expect(find(text)).toEqual({ ok: true, value: meter.meterId });
  },
);

test('a meter is found by its name, in any case', () => {
  expect(find(meter.name.toUpperCase())).toEqual({ ok: true, value: meter.meterId });
});

test('a name that a meter has taken over from a deprecated one means the new one', () => {
  const isNamed = ({ name }: { name: string }): boolean => name === 'P10';
  const named = CATALOG.filter(isNamed);
  expect(named.map(({ deprecated }) => deprecated).sort()).toEqual([false, true]);
  expect(find('p10')).toEqual({
    ok: true,
    value: named.find(({ deprecated }) => !deprecated)?.meterId,
  });
});

test('a name that several meters in use have is refused with their ids', () => {
  const several = [meter, { ...meter, meterId: 'other' }];
  const found = findMeterId(meter.name, several);
  for (const { meterId } of several) expect(!found.ok && found.error).toContain(meterId);
});

test('an id that the catalog does not know is taken as it is', () => {
  const unknown = '00000000-1111-2222-3333-444444444444';
  expect(find(unknown)).toEqual({ ok: true, value: unknown });
  expect(find('my-own-meter')).toEqual({ ok: true, value: 'my-own-meter' });
});

test('a typing error in a name is refused, because nobody would ever bill that meter', () => {
  const found = find('Windws VM Size Hours');
  expect(!found.ok && found.error).toMatch(/^is not in the catalog\..*Windows VM Size Hours/);
});

test('a typing error in an id is refused too', () => {
  const wrong = meter.meterId.replace(/.$/, 'X');
  const found = find(wrong);
  expect(!found.ok && found.error).toContain(meter.meterId);
});

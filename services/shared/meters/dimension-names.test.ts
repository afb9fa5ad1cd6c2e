import { asciiLower } from '../model/placement.ts';
import { dimensionNames } from './dimension-names.ts';
import { readMeterCatalog, type Meter } from './meter-catalog.ts';

test('what Commerce bills under a name of its own has the name of the meter, not an id', () => {
  const catalog = readMeterCatalog();
  const names = dimensionNames(catalog);
  for (const { dimension, meterId } of catalog) {
    expect(names.get(asciiLower(dimension))?.name).toBeDefined();
    expect(names.get(asciiLower(meterId))?.name).toBeDefined();
  }
});

test('of several meters under one name the first billed one gives it', () => {
  const meter = (meterId: string, billable: boolean): Meter => ({
    meterId,
    name: `name of ${meterId}`,
    unit: 'u',
    resourceProvider: 'r',
    category: 'c',
    deprecated: false,
    billing: billable ? 'full-price' : 'admin',
    billable,
    dimension: 'DIM',
  });
  const names = dimensionNames([meter('a', false), meter('b', true), meter('c', true)]);
  expect(names.get('dim')?.name).toBe('name of b');
  expect(names.get('a')?.name).toBe('name of a');
});

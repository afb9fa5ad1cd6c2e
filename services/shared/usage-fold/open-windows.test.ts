import { hour } from '../../../test/support/fold/fixtures.ts';
import type { Quantity } from '../model/decimal.ts';
import { OpenWindows, WINDOW_BYTES } from './open-windows.ts';
import { windowKey, type Window } from './window.ts';

const windowOf = (resourceKey: string, changes: Partial<Window> = {}): Window => ({
  usageHour: hour(0),
  subscriptionKey: 's',
  meterKey: 'm',
  resourceKey,
  subscriptionId: 's',
  meterId: 'm',
  resourceUri: resourceKey,
  location: '',
  tags: null,
  additionalInfo: null,
  quantity: 1n as Quantity,
  eventCount: 1,
  firstOffset: 1,
  lastOffset: 1,
  ...changes,
});

/** Windows of one size, and their keys. */
const given = ['a', 'b', 'c', 'd'].map((name) => windowOf(name));
const [A, B, C, D] = given as [Window, Window, Window, Window];
const [a, b, c, d] = given.map(windowKey) as [string, string, string, string];
const SIZE = WINDOW_BYTES + 3 * 3;

const present = (windows: OpenWindows): string[] => [...windows.values()].map(windowKey);

test('a window that has left is not taken for one that the hour has not had', () => {
  const windows = new OpenWindows(given);
  expect(windows.evict(3 * SIZE, [])).toBe(true);
  expect(windows.isWhole).toBe(false);
  expect(present(windows)).toEqual([c, d]);
  expect(() => windows.get(a)).toThrow('was not loaded');
  expect(windows.missing([A, B, C, A])).toEqual([A, B]);
});

test('a window that is wanted stays, and one that is wanted and not here is nowhere', () => {
  const windows = new OpenWindows(given);
  const absent = windowOf('fresh');
  const fresh = windowKey(absent);
  expect(windows.evict(2 * SIZE, [B, absent])).toBe(true);
  expect(present(windows)).toEqual([b]);
  expect(windows.get(fresh)).toBeUndefined();
  expect(() => windows.get(a)).toThrow('was not loaded');
});

test('what was looked for and wanted before is not known any more after it has left', () => {
  const windows = new OpenWindows(null);
  windows.load([A, B, C], given.slice(0, 2));
  expect(windows.get(a)).toEqual(given[0]);
  expect(windows.get(c)).toBeUndefined();
  expect(windows.evict(SIZE, [C])).toBe(true);
  expect(() => windows.get(a)).toThrow('was not loaded');
  expect(windows.get(c)).toBeUndefined();
  windows.load([D], []);
  expect(() => windows.get(c)).toThrow('was not loaded');
});

test('windows that are wanted alone and too large for the bound are told', () => {
  const windows = new OpenWindows(given);
  expect(windows.evict(2 * SIZE, [A, B, C])).toBe(false);
  expect(present(windows)).toEqual([a, b, c]);
  expect(windows.evict(3 * SIZE, [A, B, C])).toBe(true);
});

test('none leaves where there is room, and nothing is missing then', () => {
  const windows = new OpenWindows(given);
  expect(windows.evict((4 * SIZE) / 0.75, [])).toBe(true);
  expect(windows.size).toBe(4);
  expect(windows.isWhole).toBe(true);
  expect(windows.missing([windowOf('unknown')])).toEqual([]);
  expect(windows.get('unknown')).toBeUndefined();
});

test('every text of a window takes memory, once', () => {
  const texts = { location: 'l', tags: 'tt', additionalInfo: 'iii' };
  const window = windowOf('resource', { subscriptionId: 'su', meterId: 'met', ...texts });
  const windows = new OpenWindows();
  windows.set(windowKey(window), window);
  windows.set(windowKey(window), { ...window, eventCount: 2 });
  const bytes = WINDOW_BYTES + 3 * (2 + 3 + 8) + 1 + 2 + 3;
  expect(windows.exceeds(bytes)).toBe(false);
  expect(windows.exceeds(bytes - 1)).toBe(true);
  expect(windows.evict(0, [])).toBe(true);
  expect(windows.exceeds(0)).toBe(false);
});

import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { contentOf } from './content-digest.ts';
import { SeenIds } from './seen-ids.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'seen-ids-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

test('an id is new once in each usage hour, then the same or another, also after it went to a file', () => {
  const seen = new SeenIds(directory, 10_000);
  const content = (n: number): bigint => (1n << 32n) + BigInt(n);
  const ids = Array.from({ length: 2_000 }, () => randomBytes(16));
  const hourOf = (n: number): number => n % 20;
  const first = ids.map((id, n) => seen.enter(hourOf(n), id, content(n)));
  expect(first).toEqual(ids.map(() => 'new'));
  expect(readdirSync(directory).length).toBeGreaterThan(10);
  const again = ids.map((id, n) => [
    seen.enter(hourOf(n), id, content(n)),
    seen.enter(hourOf(n), id, content(n + 1)),
    seen.enter(hourOf(n) + 100, id, content(n)),
  ]);
  expect(again).toEqual(ids.map(() => ['same', 'other', 'new']));
  seen.clear();
  expect(readdirSync(directory)).toEqual([]);
});

test('content is all but the id, without the case of identities', () => {
  const usage = {
    eventId: randomBytes(16),
    subscriptionId: 'Sub',
    meterId: 'Meter',
    resourceUri: '/Subscriptions/Sub',
    start: 1,
    end: 2,
    quantity: Buffer.from([1]),
    location: 'Local',
    tags: null,
    additionalInfo: '',
  };
  const content = (change: object): bigint => contentOf({ ...usage, ...change });
  expect(content({ subscriptionId: 'SUB', eventId: randomBytes(16) })).toEqual(content({}));
  const others = [
    { meterId: 'other' },
    { start: 0 },
    { end: 3 },
    { location: 'local' },
    { tags: '' },
    { additionalInfo: null },
    { quantity: Buffer.from([2]) },
  ];
  for (const other of others) expect(content(other)).not.toEqual(content({}));
});

import { timeOf } from '../../shared/model/time-text.ts';
import { HOUR_MILLIS, millis } from '../../shared/model/time.ts';
import { stateAt, stretchesOf } from './resource-state.ts';
import { seededCloud } from './seeded-cloud.ts';

const FROM = timeOf('2026-02-03T04:00:00Z');
const WEEK = 168 * HOUR_MILLIS;
const TO = millis(FROM + 4 * WEEK);

const cloud = (more: Partial<Parameters<typeof seededCloud>[0]> = {}) =>
  seededCloud({ seed: 3, subscriptions: 20, from: FROM, to: TO, ...more });

const uris = (resources: ReturnType<typeof cloud>) =>
  resources.map(({ resourceUri }) => resourceUri);

test('the same seed gives the same cloud, another one another', () => {
  expect(cloud()).toEqual(cloud());
  expect(cloud({ seed: 4 })).not.toEqual(cloud());
  expect(new Set(uris(cloud()).map((uri) => uri.toLowerCase())).size).toBe(cloud().length);
});

test('a resource is the same in every range and however many subscriptions are asked for', () => {
  const all = new Map(cloud().map((resource) => [resource.resourceUri, resource]));
  for (let from = FROM; from < TO; from = millis(from + WEEK)) {
    for (const resource of cloud({ from, to: millis(from + WEEK), subscriptions: 7 })) {
      expect(all.get(resource.resourceUri)).toEqual(resource);
    }
  }
});

test('a range has every resource that exists at some time in it, and no other', () => {
  const wide = cloud({ from: millis(FROM - 4 * WEEK) });
  for (let from = FROM; from < TO; from = millis(from + 40 * HOUR_MILLIS)) {
    const to = millis(from + 5 * HOUR_MILLIS);
    const there = wide.filter((resource) => stretchesOf(resource, from, to).length > 0);
    expect(uris(cloud({ from, to }))).toEqual(uris(there));
  }
});

test('every kind of change happens, in the order of time', () => {
  const kinds = new Set<string>();
  for (const { changes } of cloud()) {
    for (const { kind } of changes) kinds.add(kind);
    expect(changes.map(({ at }) => at)).toEqual(changes.map(({ at }) => at).sort((a, b) => a - b));
  }
  expect([...kinds].sort()).toEqual([
    'created',
    'deallocated',
    'deleted',
    'resized',
    'started',
    'stopped',
  ]);
});

test('a few tenants have most of the machines', () => {
  const machines = new Map<string, number>();
  for (const { kind, subscriptionId } of cloud()) {
    if (kind === 'vm') machines.set(subscriptionId, (machines.get(subscriptionId) ?? 0) + 1);
  }
  const counts = [...machines.values()].sort((a, b) => b - a);
  const all = counts.reduce((sum, count) => sum + count, 0);
  expect(counts).toHaveLength(20);
  expect(counts.slice(0, 6).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(all / 2);
  expect(counts.at(-1)).toBeLessThan(5);
});

test('texts are spelt as on the recorded stamp: groups, meters and empty tags differ by provider', () => {
  const one = (kind: string) => cloud().find((resource) => resource.kind === kind);
  expect(one('disk')).toMatchObject({
    resourceUri: expect.stringMatching(
      /\/resourceGroups\/RG-0\/providers\/Microsoft\.Compute\/disks\/vm-0-0_OsDisk_1_[\da-f]{32}$/,
    ) as string,
    tags: '',
  });
  expect(one('storage-account')?.resourceUri).toContain('/resourcegroups/rg-0/providers/');
  expect(cloud().find(({ tags }) => tags === 'null')?.kind).toBe('vm');
});

test('a resource has no state before it is created and after it is deleted', () => {
  const passing = cloud().find(({ changes }) => changes.at(-1)?.kind === 'deleted');
  const [created, deleted] = [passing?.changes[0]?.at, passing?.changes.at(-1)?.at];
  if (!passing || !created || !deleted) throw new Error('there is none');
  expect(stateAt(passing, millis(created - 1))).toBeNull();
  expect(stateAt(passing, created)).toMatchObject({ power: 'running' });
  expect(stateAt(passing, millis(deleted - 1))).not.toBeNull();
  expect(stateAt(passing, deleted)).toBeNull();
});

import { millis } from '../../shared/model/time.ts';
import { resourceKey } from '../../shared/model/placement.ts';
import { timeOf } from '../../shared/model/time-text.ts';
import type { CreateRequest } from '../simulated-cloud/resource-requests.ts';
import { stateAt } from '../simulated-cloud/resource-state.ts';
import type { CloudResource } from '../simulated-cloud/resource.ts';
import { changed, created, type Resources } from './resource-changes.ts';

const AT = timeOf('2026-02-03T04:00:09Z');
const SUBSCRIPTION = '1d6c4363-3a9b-4cb6-8e6c-fc2e9ec74ca4';
const VM: CreateRequest = {
  kind: 'vm',
  subscriptionId: SUBSCRIPTION,
  resourceGroup: 'web',
  size: 'standard_f4s',
  os: 'windows',
};

const byKey = (resources: readonly CloudResource[]): Resources =>
  new Map(resources.map((each) => [resourceKey(each.resourceUri), each]));

/** The resources after a change that must be possible. */
const after = (result: ReturnType<typeof created>): readonly CloudResource[] => {
  if (!result.ok) throw new Error(result.error.message);
  return result.value;
};

const refusal = (result: ReturnType<typeof created>): string => {
  if (result.ok) throw new Error('it was not refused');
  return `${result.error.code}: ${result.error.message}`;
};

test('a machine is created with a disk, from the given instant on', () => {
  const [vm, disk, ...others] = after(created(new Map(), VM, AT));
  expect(others).toEqual([]);
  expect(vm).toMatchObject({
    kind: 'vm',
    provider: 'compute',
    resourceUri: expect.stringMatching(
      /\/web\/providers\/Microsoft.Compute\/virtualMachines\/vm-1$/,
    ) as string,
    changes: [{ kind: 'created', at: AT, size: 'Standard_F4s', os: 'windows' }],
  });
  expect(disk).toMatchObject({ kind: 'disk', changes: [{ kind: 'created', at: AT, size: 'S10' }] });
  expect(disk?.resourceUri).toMatch(/disks\/vm-1_OsDisk_1$/);
});

test('the next machine without a name gets the next number', () => {
  const first = after(created(new Map(), VM, AT));
  const [second] = after(created(byKey(first), VM, AT));
  expect(second?.resourceUri).toMatch(/vm-2$/);
});

test('an unknown size is refused with the sizes that there are', () => {
  expect(refusal(created(new Map(), { ...VM, size: 'Huge' }, AT))).toMatch(
    /^invalid: There is no size "Huge" of a vm. There are: Standard_A0, .*Standard_F2s,/,
  );
  expect(refusal(created(new Map(), { ...VM, kind: 'disk' }, AT))).toMatch(/no operating system/);
});

test('what exists cannot be created again, but after it was deleted', () => {
  const vm = { ...VM, name: 'web-1' };
  const first = byKey(after(created(new Map(), vm, AT)));
  expect(refusal(created(first, vm, AT))).toMatch(/^conflict: .*web-1 exists already/);
  const gone = new Map(first);
  for (const name of ['web-1', 'web-1_OsDisk_1']) {
    const [deleted] = after(changed(gone, { resource: name, change: 'delete' }, AT));
    if (deleted) gone.set(resourceKey(deleted.resourceUri), deleted);
  }
  const later = millis(AT + 9_000);
  const [again] = after(created(gone, vm, later));
  expect(again?.changes.map(({ kind }) => kind)).toEqual(['created', 'deleted', 'created']);
});

test.each([
  [{ resource: 'web-1', change: 'start' }, 'conflict: Cannot start .*: it is running already'],
  [{ resource: 'web-1', change: 'resize' }, 'invalid: To which size\\? There are: Standard_A0'],
  [{ resource: 'web-1', change: 'resize', size: 'X' }, 'invalid: There is no size "X"'],
  [{ resource: 'web-1', change: 'stop', size: 'X' }, 'invalid: Only a resize has a size'],
  [{ resource: 'web-1_OsDisk_1', change: 'stop' }, 'invalid: A disk cannot be started'],
  [{ resource: 'web-7', change: 'stop' }, 'not-found: There is no resource "web-7"'],
] as const)('%j is refused', (request, message) => {
  const resources = byKey(after(created(new Map(), { ...VM, name: 'web-1' }, AT)));
  expect(refusal(changed(resources, request, AT))).toMatch(new RegExp(message));
});

test('a name that two resources have must be a URI', () => {
  const named = { ...VM, name: 'web-1' };
  const both = byKey([
    ...after(created(new Map(), named, AT)),
    ...after(created(new Map(), { ...named, resourceGroup: 'other' }, AT)),
  ]);
  expect(refusal(changed(both, { resource: 'WEB-1', change: 'stop' }, AT))).toMatch(
    /2 resources are called "WEB-1": name one by its URI, such as \/subscriptions/,
  );
});

test('a change stands before what the seed has planned for later', () => {
  const [vm] = after(created(new Map(), { ...VM, name: 'web-1' }, AT));
  const planned = {
    ...vm,
    changes: [...(vm?.changes ?? []), { kind: 'deleted', at: millis(AT + 90_000) }],
  } as CloudResource;
  const [stopped] = after(
    changed(byKey([planned]), { resource: 'web-1', change: 'stop' }, millis(AT + 9_000)),
  );
  expect(stopped?.changes.map(({ kind }) => kind)).toEqual(['created', 'stopped', 'deleted']);
  expect(stopped && stateAt(stopped, millis(AT + 90_000))).toBeNull();
});

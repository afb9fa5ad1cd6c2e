import { resourceParts } from './resource-parts.ts';

test('a resource of a group has all parts, in any case', () => {
  expect(
    resourceParts(
      '/subscriptions/s/resourcegroups/g/providers/Microsoft.Compute/virtualMachines/vm',
    ),
  ).toEqual({
    subscription: 's',
    resourceGroup: 'g',
    namespace: 'Microsoft.Compute',
    type: 'virtualMachines',
    name: 'vm',
  });
});

test('a child is named by its own type', () => {
  expect(
    resourceParts(
      '/subscriptions/s/resourceGroups/g/providers/Microsoft.Sql/servers/x/databases/d',
    ),
  ).toMatchObject({ type: 'databases', name: 'd' });
});

test.each(['', 'vm', '/subscriptions/s', '/subscriptions/s/providers', '/providers/N/types'])(
  '%j has no name of a resource',
  (uri) => {
    expect(resourceParts(uri)).toMatchObject({ type: null, name: null });
  },
);

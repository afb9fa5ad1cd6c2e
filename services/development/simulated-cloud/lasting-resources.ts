import { timeOf } from '../../shared/model/time-text.ts';
import { HOUR_MILLIS, millis, type Millis } from '../../shared/model/time.ts';
import { draw, pick } from './draw.ts';
import { newMachine, type MachineSize } from './new-machine.ts';
import { newResource } from './new-resource.ts';
import type { CloudResource, ResourceKind } from './resource.ts';
import type { Tenant } from './tenant.ts';

const OPENED = timeOf('2018-01-01T00:00:00Z');
const DAYS_OF_OPENING = 365;

const SIZES: readonly [MachineSize, ...MachineSize[]] = [
  'Standard_A1',
  'Standard_F2s',
  'Standard_D2_v2',
  'Standard_D11_v2',
  'Standard_D3_v2',
  'Standard_F4s',
  'Standard_D4_v2',
];

/** Families that a tenant may use, the share of tenants that do, and what they use of it. */
const PLATFORM: readonly {
  readonly kind: ResourceKind;
  readonly share: number;
  readonly sizes: readonly [string, ...string[]];
}[] = [
  { kind: 'key-vault', share: 0.3, sizes: ['standard'] },
  { kind: 'app-service', share: 0.2, sizes: ['S1', 'S1', 'S2', 'S3'] },
  { kind: 'function-app', share: 0.2, sizes: ['consumption'] },
  { kind: 'sql-database', share: 0.2, sizes: ['1024MB', '2048MB', '10240MB'] },
  { kind: 'mysql-database', share: 0.15, sizes: ['1024MB', '2048MB'] },
  { kind: 'event-hubs', share: 0.1, sizes: ['1CU', '2CU'] },
];

/** What a tenant has had since the stamp's first year and keeps: it never changes by itself. */
export const lastingResources = (tenant: Tenant): readonly CloudResource[] => [
  ...machines(tenant),
  ...accounts(tenant),
  ...addresses(tenant),
  ...platform(tenant),
];

const since = ({ seed, number }: Tenant, name: string): Millis =>
  millis(
    OPENED + Math.floor(draw(seed, number, name, 'created') * DAYS_OF_OPENING * 24) * HOUR_MILLIS,
  );

const howMany = ({ seed, number, isLarge }: Tenant, what: string, large: number): number =>
  isLarge
    ? Math.ceil(large * (0.6 + 0.4 * draw(seed, number, what)))
    : 1 + Math.floor(draw(seed, number, what) * 2);

const numbered = (count: number): readonly number[] => Array.from({ length: count }, (_, n) => n);

const machines = (tenant: Tenant): readonly CloudResource[] =>
  numbered(howMany(tenant, 'machines', 6)).flatMap((n) => {
    const { seed, number, group } = tenant;
    const name = `vm-${String(number)}-${String(n)}`;
    return newMachine({
      tenant,
      group,
      name,
      size: pick(SIZES, seed, number, n, 'size'),
      os: draw(seed, number, n, 'windows') < 0.6 ? 'windows' : 'linux',
      created: since(tenant, name),
      ...(n === 0 && { tags: { costCenter: `cc-${String(number % 3)}` } }),
      hasDataDisk: draw(seed, number, n, 'data') < 0.3,
    });
  });

const accounts = (tenant: Tenant): readonly CloudResource[] =>
  numbered(tenant.isLarge ? 2 : 1).map((n) => {
    const name = `sa${String(tenant.number)}n${String(n)}`;
    return lasting(tenant, 'storage-account', name, 'Standard_LRS');
  });

const addresses = (tenant: Tenant): readonly CloudResource[] =>
  numbered(tenant.isLarge ? 2 : 1).map((n) =>
    lasting(tenant, 'public-ip', `ip-${String(tenant.number)}-${String(n)}`, 'static'),
  );

const platform = (tenant: Tenant): readonly CloudResource[] =>
  PLATFORM.filter(({ kind, share }) => draw(tenant.seed, tenant.number, kind) < share).map(
    ({ kind, sizes }) =>
      lasting(
        tenant,
        kind,
        `${kind}-${String(tenant.number)}`,
        pick(sizes, tenant.seed, tenant.number, kind, 'size'),
      ),
  );

const lasting = (tenant: Tenant, kind: ResourceKind, name: string, size: string): CloudResource => {
  const { subscriptionId, group } = tenant;
  const changes = [{ kind: 'created' as const, at: since(tenant, name), size }];
  return newResource({ subscriptionId, group, kind, name, changes });
};

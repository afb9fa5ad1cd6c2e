import type { EventTexts } from '../../shared/model/event-texts.ts';
import { uuidOf, uuidText } from '../../shared/model/usage-event.ts';
import { draw, pick } from './draw.ts';

/** A resource of a simulated tenant. */
export interface SimulatedResource extends Omit<EventTexts, 'meterId'> {
  readonly kind: 'virtual-machine' | 'disk' | 'storage-account' | 'public-ip';
  /** Virtual machines: their virtual cores; others: 1. */
  readonly cores: number;
  readonly windows: boolean;
}

export interface CloudOptions {
  readonly seed: number;
  readonly tenants: number;
}

const LOCATION = 'local';

interface MachineSize {
  readonly name: string;
  readonly cores: number;
}

const SIZES: readonly [MachineSize, ...MachineSize[]] = [
  { name: 'Standard_A1', cores: 1 },
  { name: 'Standard_F2s', cores: 2 },
  { name: 'Standard_D4_v2', cores: 8 },
];

/** The subscription of a tenant, counted from 0. */
export const subscriptionOf = (seed: number, tenant: number): string =>
  uuidText(uuidOf(['simulated-subscription', String(seed), String(tenant)]));

/** Tenants with virtual machines, a disk for each, storage accounts and an address. */
export const simulatedCloud = ({ seed, tenants }: CloudOptions): readonly SimulatedResource[] =>
  Array.from({ length: tenants }, (_, tenant) => tenantResources(seed, tenant)).flat();

const tenantResources = (seed: number, tenant: number): SimulatedResource[] => {
  const subscriptionId = subscriptionOf(seed, tenant);
  const group = `/subscriptions/${subscriptionId}/resourceGroups/rg-${String(tenant)}/providers`;
  const common = { subscriptionId, location: LOCATION, cores: 1, windows: false };
  const machines = 1 + Math.floor(draw(seed, tenant, 'machines') * 4);
  const resources: SimulatedResource[] = [];
  for (let n = 0; n < machines; n++) {
    const size = pick(SIZES, seed, tenant, n, 'size');
    const windows = draw(seed, tenant, n, 'windows') < 0.6;
    const name = `vm-${String(tenant)}-${String(n)}`;
    resources.push(
      {
        ...common,
        kind: 'virtual-machine',
        resourceUri: `${group}/Microsoft.Compute/virtualMachines/${name}`,
        cores: size.cores,
        windows,
        tags: n === 0 ? JSON.stringify({ costCenter: `cc-${String(tenant % 3)}` }) : 'null',
        additionalInfo: JSON.stringify({
          ServiceType: size.name,
          ImageType: null,
          Publisher: windows ? 'MicrosoftWindowsServer' : 'Canonical',
          Offer: windows ? 'WindowsServer' : 'UbuntuServer',
          Sku: windows ? '2016-Datacenter' : '16.04-LTS',
        }),
      },
      {
        ...common,
        kind: 'disk',
        resourceUri: `${group}/Microsoft.Compute/disks/${name}_OsDisk_1`,
        tags: '',
        additionalInfo: '',
      },
    );
  }
  resources.push(
    {
      ...common,
      kind: 'storage-account',
      resourceUri: `${group.replace('resourceGroups', 'resourcegroups')}/Microsoft.Storage/storageAccounts/sa${String(tenant)}`,
      tags: '',
      additionalInfo: '',
    },
    {
      ...common,
      kind: 'public-ip',
      resourceUri: `${group}/Microsoft.Network/publicIPAddresses/ip-${String(tenant)}`,
      tags: null,
      additionalInfo: null,
    },
  );
  return resources;
};

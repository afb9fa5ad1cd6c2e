import { createHash } from 'node:crypto';
import type { Millis } from '../../shared/model/time.ts';
import { newResource } from './new-resource.ts';
import type { CloudResource, OperatingSystem, ResourceChange } from './resource.ts';
import type { Tenant } from './tenant.ts';

export type MachineSize = `Standard_${string}`;

interface NewMachine {
  readonly tenant: Tenant;
  readonly group: string;
  readonly name: string;
  readonly size: MachineSize;
  readonly os: OperatingSystem;
  readonly created: Millis;
  readonly tags?: Readonly<Record<string, string>>;
  readonly hasDataDisk: boolean;
  /** What happens to the machine later. */
  readonly changes?: readonly ResourceChange[];
}

/** A machine and its disks, which are deleted with it. */
export const newMachine = (machine: NewMachine): readonly CloudResource[] => {
  const { tenant, group, name, size, os, created, tags, hasDataDisk, changes = [] } = machine;
  const { subscriptionId } = tenant;
  const place = { subscriptionId, group };
  const end = changes.filter(({ kind }) => kind === 'deleted');
  const disk = (diskName: string, tier: string): CloudResource =>
    newResource({
      ...place,
      kind: 'disk',
      name: diskName,
      changes: [{ kind: 'created', at: created, size: tier }, ...end],
    });
  return [
    newResource({
      ...place,
      kind: 'vm',
      name,
      ...(tags && { tags }),
      changes: [{ kind: 'created', at: created, size, os }, ...changes],
    }),
    disk(`${name}_OsDisk_1_${suffix(name, subscriptionId)}`, os === 'windows' ? 'S10' : 'S4'),
    ...(hasDataDisk ? [disk(`${name}_DataDisk_0`, isPremium(size) ? 'P20' : 'S20')] : []),
  ];
};

/** Only sizes with an s at the end of their number take premium disks, such as F2s. */
const isPremium = (size: MachineSize): boolean => /s(_v2)?$/.test(size) || size.includes('_DS');

/** Azure ends the name of an operating system's disk with 32 hexadecimal digits. */
const suffix = (...names: readonly string[]): string =>
  createHash('sha256').update(names.join('\n')).digest('hex').slice(0, 32);

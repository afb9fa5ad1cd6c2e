import { hoursInMonth } from '../../shared/model/time.ts';
import type { Kind } from './kind.ts';
import { held } from './measure.ts';
import type { OperatingSystem } from './resource.ts';
import { DISK_METERS, VM_CORES } from './sizes.ts';

const VM_HOURS = '6dab500f-a4fd-49c4-956d-229bb9c8c793';
const CORE_HOURS: Readonly<Record<OperatingSystem, string>> = {
  windows: '9cd92d4c-bafd-4492-b278-bedc2de8232a',
  linux: 'fab6eb84-500b-4a09-a8ca-7358f8bbaea5',
};

const IMAGES: Readonly<Record<OperatingSystem, object>> = {
  windows: { Publisher: 'MicrosoftWindowsServer', Offer: 'WindowsServer', Sku: '2016-Datacenter' },
  linux: { Publisher: 'Canonical', Offer: 'UbuntuServer', Sku: '16.04-LTS' },
};

/**
 * A machine counts its hours, and its cores by its operating system. It does so while it runs and while it
 * is stopped, because its cores are kept for it. Only deallocation gives them back.
 */
const vm: Kind = {
  provider: 'compute',
  type: 'Microsoft.Compute/virtualMachines',
  sizes: [...VM_CORES.keys()],
  hasPower: true,
  measures: ({ state: { power, size, os } }) =>
    power === 'deallocated'
      ? []
      : [held(VM_HOURS, 1), held(CORE_HOURS[os ?? 'linux'], VM_CORES.get(size) ?? 0)],
  additionalInfo: ({ size, os }) =>
    JSON.stringify({ ServiceType: size, ImageType: null, ...IMAGES[os ?? 'linux'] }),
};

/** A disk counts as a fraction of a month, of the month's real length, whatever its machine does. */
const disk: Kind = {
  provider: 'compute',
  type: 'Microsoft.Compute/disks',
  sizes: [...DISK_METERS.keys()],
  hasPower: false,
  measures: ({ state, hour }) => {
    const meterId = DISK_METERS.get(state.size);
    return meterId === undefined ? [] : [held(meterId, 1, hoursInMonth(hour))];
  },
  additionalInfo: () => '',
};

export const COMPUTE_KINDS = { vm, disk };

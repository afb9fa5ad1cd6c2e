import { hoursInMonth } from '../../shared/model/time.ts';
import { bytesStored } from './activity.ts';
import type { Kind } from './kind.ts';
import { held } from './measure.ts';
import type { OperatingSystem } from './resource.ts';
import { DISK_METERS, tierOf, VM_CORES, type DiskTier } from './sizes.ts';
import { GIB } from './units.ts';

const VM_HOURS = '6dab500f-a4fd-49c4-956d-229bb9c8c793';
const CORE_HOURS: Readonly<Record<OperatingSystem, string>> = {
  windows: '9cd92d4c-bafd-4492-b278-bedc2de8232a',
  linux: 'fab6eb84-500b-4a09-a8ca-7358f8bbaea5',
};

const ACTUAL_SIZE: Readonly<Record<DiskTier, string>> = {
  standard: '7ba084ec-ef9c-4d64-a179-7732c6cb5e28',
  premium: 'daef389a-06e5-4684-a7f7-8813d9f792d5',
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

/** What is written on a disk fits the smallest tier, so that it stays the same when the disk is resized. */
const MOST_ON_DISK = 30 * GIB;

/**
 * A disk counts as a fraction of a month, of the month's real length, whatever its machine does; and so does
 * what is written on it.
 */
const disk: Kind = {
  provider: 'compute',
  type: 'Microsoft.Compute/disks',
  sizes: [...DISK_METERS.keys()],
  hasPower: false,
  measures: ({ resourceUri, state: { size }, hour, hourMillis }) => {
    const meterId = DISK_METERS.get(size);
    if (meterId === undefined) return [];
    const month = hoursInMonth(hour);
    const bytes = bytesStored(resourceUri, 'disk', MOST_ON_DISK, hour, hourMillis);
    return [held(meterId, 1, month), held(ACTUAL_SIZE[tierOf(size)], bytes, GIB * month)];
  },
  additionalInfo: () => '',
};

export const COMPUTE_KINDS = { vm, disk };

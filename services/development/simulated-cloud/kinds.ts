import { COMPUTE_KINDS } from './compute-kinds.ts';
import type { Kind } from './kind.ts';
import { NETWORK_KINDS } from './network-kinds.ts';
import { PLATFORM_KINDS } from './platform-kinds.ts';
import type { ResourceKind } from './resource.ts';
import { STORAGE_KINDS } from './storage-kinds.ts';

/** Every kind of resource in the simulated cloud. */
export const KINDS: Readonly<Record<ResourceKind, Kind>> = {
  ...COMPUTE_KINDS,
  ...STORAGE_KINDS,
  ...NETWORK_KINDS,
  ...PLATFORM_KINDS,
};

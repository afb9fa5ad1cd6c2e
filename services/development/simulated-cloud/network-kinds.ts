import type { Kind } from './kind.ts';
import { held } from './measure.ts';
import { ADDRESS_METERS } from './sizes.ts';

/** An address counts its hours. A dynamic one is given back when its machine is deallocated. */
const publicIp: Kind = {
  provider: 'network',
  type: 'Microsoft.Network/publicIPAddresses',
  sizes: [...ADDRESS_METERS.keys()],
  hasPower: false,
  measures: ({ state: { power, size } }) => {
    const meterId = ADDRESS_METERS.get(size);
    return meterId === undefined || power === 'deallocated' ? [] : [held(meterId, 1)];
  },
  additionalInfo: () => null,
};

export const NETWORK_KINDS = { 'public-ip': publicIp };

import { bytesStored, timesInHour } from './activity.ts';
import { draw } from './draw.ts';
import type { InHour, Kind } from './kind.ts';
import { happening, held, type Measure } from './measure.ts';
import { GIB, REQUESTS_PER_UNIT } from './units.ts';

/** What is stored by one service of an account, and how much at most. */
interface Capacity {
  readonly meterId: string;
  readonly mostBytes: number;
}

interface StorageService {
  readonly name: string;
  /** The share of accounts that use it. */
  readonly share: number;
  readonly capacities: readonly Capacity[];
  /** Of the most used account in its busiest hour. */
  readonly mostRequests: number;
  readonly bytesPerRequest: { readonly in: number; readonly out: number };
  readonly meters: {
    readonly transactions: string;
    readonly ingress: string;
    readonly egress: string;
  };
}

const SERVICES: readonly StorageService[] = [
  {
    name: 'blob',
    share: 1,
    capacities: [
      { meterId: '09F8879E-87E9-4305-A572-4B7BE209F857', mostBytes: 4096 * GIB },
      { meterId: 'B5C15376-6C94-4FDD-B655-1A69D138ACA3', mostBytes: 1024 * GIB },
    ],
    mostRequests: 3_000_000,
    bytesPerRequest: { in: 9_200, out: 48_000 },
    meters: {
      transactions: '43DAF82B-4618-444A-B994-40C23F7CD438',
      ingress: '9764F92C-E44A-498E-8DC1-AAD66587A810',
      egress: '3023FEF4-ECA5-4D7B-87B3-CFBC061931E8',
    },
  },
  {
    name: 'table',
    share: 0.4,
    capacities: [{ meterId: 'B4438D5D-453B-4EE1-B42A-DC72E377F1E4', mostBytes: 20 * GIB }],
    mostRequests: 800_000,
    bytesPerRequest: { in: 700, out: 1_900 },
    meters: {
      transactions: 'B9FF3CD0-28AA-4762-84BB-FF8FBAEA6A90',
      ingress: '50A1AEAF-8ECA-48A0-8973-A5B3077FEE0D',
      egress: '1B8C1DEC-EE42-414B-AA36-6229CF199370',
    },
  },
  {
    name: 'queue',
    share: 0.2,
    capacities: [{ meterId: 'B03C6AE7-B080-4BFA-84A3-22C800F315C6', mostBytes: GIB }],
    mostRequests: 400_000,
    bytesPerRequest: { in: 1_100, out: 1_300 },
    meters: {
      transactions: 'EB43DD12-1AA6-4C4B-872C-FAF15A6785EA',
      ingress: 'E518E809-E369-4A45-9274-2017B29FFF25',
      egress: 'DD0A10BA-A5D6-4CB6-88C0-7D585CEF9FC2',
    },
  },
];

const measuresOf = (
  service: StorageService,
  { resourceUri, hour, hourMillis }: InHour,
): readonly Measure[] => {
  const { name, share, capacities, mostRequests, bytesPerRequest, meters } = service;
  if (draw(resourceUri, name, 'used') >= share) return [];
  const requests = timesInHour(resourceUri, name, mostRequests, hour, hourMillis);
  return [
    ...capacities.map(({ meterId, mostBytes }) =>
      held(meterId, bytesStored(resourceUri, meterId, mostBytes, hour, hourMillis), GIB),
    ),
    happening(meters.transactions, requests, REQUESTS_PER_UNIT),
    happening(meters.ingress, requests * bytesPerRequest.in, GIB),
    happening(meters.egress, requests * bytesPerRequest.out, GIB),
  ];
};

/** An account counts, for each of its services, what it stores, its requests and its traffic. */
const storageAccount: Kind = {
  provider: 'storage',
  type: 'Microsoft.Storage/storageAccounts',
  sizes: ['Standard_LRS', 'Premium_LRS'],
  hasPower: false,
  measures: (inHour) => SERVICES.flatMap((service) => measuresOf(service, inHour)),
  additionalInfo: () => '',
};

export const STORAGE_KINDS = { 'storage-account': storageAccount };

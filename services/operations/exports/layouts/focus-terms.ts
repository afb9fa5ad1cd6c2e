import type { Meter } from '../../../shared/meters/meter-catalog.ts';

/** A service in the words of FOCUS: each service name has exactly one category, and each subcategory belongs to one. */
export interface FocusService {
  readonly name: string;
  readonly category: string;
  readonly subcategory: string;
}

/** By the category of the meter catalog. */
const SERVICES: Readonly<Record<string, FocusService>> = {
  Compute: { name: 'Virtual Machines', category: 'Compute', subcategory: 'Virtual Machines' },
  'Managed Disks': { name: 'Managed Disks', category: 'Storage', subcategory: 'Block Storage' },
  Storage: { name: 'Storage', category: 'Storage', subcategory: 'Storage Platforms' },
  Network: {
    name: 'Public IP Addresses',
    category: 'Networking',
    subcategory: 'Network Connectivity',
  },
  'SQL RP': { name: 'SQL Server', category: 'Databases', subcategory: 'Relational Databases' },
  'MySQL RP': { name: 'MySQL', category: 'Databases', subcategory: 'Relational Databases' },
  'Key Vault': { name: 'Key Vault', category: 'Security', subcategory: 'Secret Management' },
  'App Service': { name: 'App Service', category: 'Web', subcategory: 'Application Platforms' },
  'Event Hubs': { name: 'Event Hubs', category: 'Integration', subcategory: 'Messaging' },
};

/** For a meter that the catalog does not have, or whose category is new. */
const OTHER_SERVICE: FocusService = {
  name: 'Other',
  category: 'Other',
  subcategory: 'Other (Other)',
};

export const focusService = (meter: Meter | null): FocusService =>
  SERVICES[meter?.category ?? ''] ?? OTHER_SERVICE;

/**
 * The catalog's units in the unit format of FOCUS. The `GB` of capacities is 2^30 bytes (docs/azure.md, "Meters"). A meter that counts what
 * is there during an hour, such as addresses, adds up to hours of it.
 */
const UNITS: Readonly<Record<string, string>> = {
  'IP addresses': 'IP Address-Hours',
  'GB*hours': 'GiB-Hours',
  'GB*month': 'GiB-Months',
  'MB*hours': 'MB-Hours',
  'Byte*hours': 'B-Hours',
  'GB-s': 'GB-Seconds',
  GB: 'GB',
  'Ingress data in GB': 'GB',
  'Egress in GB': 'GB',
  'Virtual core hours': 'Core-Hours',
  'Core*hours': 'Core-Hours',
  'VM hours': 'VM-Hours',
  '1 hour': 'Hours',
  'Count of Disks*hours': 'Disk-Hours',
  'Count of Disks*month': 'Disk-Months',
  'Request count in 10,000s': '10000 Requests',
  '10K transactions': '10000 Transactions',
  '10 Requests': '10 Requests',
  'Per SNI SSL Binding': 'SNI SSL Bindings',
  'Per IP Based SSL Binding': 'IP SSL Bindings',
};

/** Whole things of whatever the meter counts. */
const OTHER_UNIT = 'Units';

export const focusUnit = (meter: Meter | null): string => UNITS[meter?.unit ?? ''] ?? OTHER_UNIT;

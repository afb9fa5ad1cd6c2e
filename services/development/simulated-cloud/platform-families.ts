import { GIB, REQUESTS_PER_UNIT } from './units.ts';

/**
 * The other families of the meter catalog, by configuration. One is described by its type, its sizes, and by
 * how the quantity of each meter arises. A new family is an entry in `PLATFORM_FAMILIES`, and in
 * `deploy/kafka/providers.json` if its namespace is new.
 */
export interface Family {
  readonly type: string;
  /** The usual size first. */
  readonly sizes: Readonly<Record<string, readonly Rule[]>>;
}

/**
 * What a size holds for each hour (cores, megabytes, instances), or how often something happens in the
 * busiest hour of the most used resource.
 */
export type Rule =
  | { readonly meterId: string; readonly holds: number }
  | {
      readonly meterId: string;
      readonly happens: number;
      readonly perUnit: number;
      /** How many raw units each time is; one if it is missing. */
      readonly each?: number;
      /** Meters with the same word count the same events; each its own if it is missing. */
      readonly what?: string;
    };

/** Many, so that even a quiet vault shows some within a minute. */
const KEY_VAULT: readonly Rule[] = [
  { meterId: 'EBF13B9F-B3EA-46FE-BF54-396E93D48AB4', happens: 600_000, perUnit: REQUESTS_PER_UNIT },
  { meterId: '2C354225-B2FE-42E5-AD89-14F0EA302C87', happens: 50_000, perUnit: REQUESTS_PER_UNIT },
];

/** A plan has one worker and one site: its hours, its active site, and what the site sends out in bytes. */
const plan = (hours: string): readonly Rule[] => [
  { meterId: hours, holds: 1 },
  { meterId: '73215A6C-FA54-4284-B9C1-7E8EC871CC5B', holds: 1 },
  { meterId: '5887D39B-0253-4E12-83C7-03E1A93DFFD9', happens: 6 * GIB, perUnit: GIB },
];

/** An execution that needs up to 256 MB for up to 200 ms. */
const EXECUTION_MEGABYTE_MILLIS = 256 * 200;
const MEGABYTE_MILLIS_PER_GB_SECOND = 1_024 * 1_000;

const FUNCTIONS: readonly Rule[] = [
  {
    meterId: '67CC4AFC-0691-48E1-A4B8-D744D1FEDBDE',
    happens: 400_000,
    perUnit: 10,
    what: 'executions',
  },
  {
    meterId: 'D1D04836-075C-4F27-BF65-0A1130EC60ED',
    happens: 400_000,
    each: EXECUTION_MEGABYTE_MILLIS,
    perUnit: MEGABYTE_MILLIS_PER_GB_SECOND,
    what: 'executions',
  },
];

/** The virtual cores of the web worker of a plan. Free and shared plans have none of their own. */
const WORKER_CORES = {
  S1: 1,
  S2: 2,
  S3: 4,
  B1: 1,
  B2: 2,
  B3: 4,
  P1: 1,
  P2: 2,
  P3: 4,
  P4: 8,
} as const;

const worker = (cores: number): readonly Rule[] => [
  { meterId: '190C935E-9ADA-48FF-9AB8-56EA1CF9ADAA', holds: cores },
];

/** Databases count the megabytes that they were created with. */
const databases = (meterId: string): Family['sizes'] =>
  Object.fromEntries(
    [1_024, 2_048, 10_240].map((megabytes) => [
      `${String(megabytes)}MB`,
      [{ meterId, holds: megabytes }],
    ]),
  );

/** Each configured capacity unit of a cluster uses ten cores. */
const eventHubs = (capacityUnits: number): readonly Rule[] => [
  { meterId: 'CB6A35C5-FADE-406C-B14D-6DDB7C4CA3D5', holds: capacityUnits * 10 },
];

export const PLATFORM_FAMILIES = {
  'key-vault': { type: 'Microsoft.KeyVault/vaults', sizes: { standard: KEY_VAULT } },
  'app-service': {
    type: 'Microsoft.Web/serverfarms',
    sizes: {
      S1: plan('88039D51-A206-3A89-E9DE-C5117E2D10A6'),
      S2: plan('83A2A13E-4788-78DD-5D55-2831B68ED825'),
      S3: plan('1083B9DB-E9BB-24BE-A5E9-D6FDD0DDEFE6'),
      F1: plan('539CDEC7-B4F5-49F6-AAC4-1F15CFF0EDA9'),
      D1: plan('957E9F36-2C14-45A1-B6A1-1723EF71A01D'),
      B1: plan('db658d61-ef2d-4888-9843-72f5c774fd3c'),
      B2: plan('27b01104-e0df-4f30-a171-f1b00ecb76b3'),
      B3: plan('50db6a92-5dff-4c9b-8238-8ea5fb1be107'),
      P1: plan('26bd6580-c3bd-4e7e-8092-58b28eb1bb94'),
      P2: plan('a1cba406-e83e-45c3-bd36-485191c215d9'),
      P3: plan('a2104a9d-5a78-4f8f-a2df-034bd43d602d'),
      P4: plan('a91eed6c-dbbc-4532-859c-86de776433a4'),
    },
  },
  'app-service-worker': {
    type: 'Microsoft.Web/workers',
    sizes: Object.fromEntries(
      Object.entries(WORKER_CORES).map(([size, cores]) => [size, worker(cores)]),
    ),
  },
  'function-app': { type: 'Microsoft.Web/sites', sizes: { consumption: FUNCTIONS } },
  'sql-database': {
    type: 'Microsoft.SQLAdapter/databases',
    sizes: databases('CBCFEF9A-B91F-4597-A4D3-01FE334BED82'),
  },
  'mysql-database': {
    type: 'Microsoft.MySQLAdapter/databases',
    sizes: databases('E6D8CFCD-7734-495E-B1CC-5AB0B9C24BD3'),
  },
  'event-hubs': {
    type: 'Microsoft.EventHub/clusters',
    sizes: { '1CU': eventHubs(1), '2CU': eventHubs(2), '4CU': eventHubs(4) },
  },
} satisfies Readonly<Record<string, Family>>;

export type PlatformKind = keyof typeof PLATFORM_FAMILIES;

export const PLATFORM_KIND_NAMES = Object.keys(PLATFORM_FAMILIES) as readonly PlatformKind[];

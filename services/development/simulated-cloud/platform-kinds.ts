import { timesInHour } from './activity.ts';
import type { InHour, Kind } from './kind.ts';
import { happening, held, type Measure } from './measure.ts';
import { GIB, REQUESTS_PER_UNIT } from './units.ts';

/**
 * The other families of the meter catalog, by configuration. One is described by its type, its sizes, and by
 * how the quantity of each meter arises: what a size holds for each hour (cores, megabytes, instances), or
 * how often something happens in the busiest hour of the most used resource.
 */
interface Family {
  readonly type: string;
  readonly sizes: Readonly<Record<string, readonly Rule[]>>;
}

type Rule =
  | { readonly meterId: string; readonly holds: number }
  | { readonly meterId: string; readonly happens: number; readonly perUnit: number };

const KEY_VAULT = [
  { meterId: 'EBF13B9F-B3EA-46FE-BF54-396E93D48AB4', happens: 60_000, perUnit: REQUESTS_PER_UNIT },
  { meterId: '2C354225-B2FE-42E5-AD89-14F0EA302C87', happens: 5_000, perUnit: REQUESTS_PER_UNIT },
];

/** The hours of a worker of this size, and what its sites send out, in bytes. */
const appService = (hours: string): readonly Rule[] => [
  { meterId: hours, holds: 1 },
  { meterId: '5887D39B-0253-4E12-83C7-03E1A93DFFD9', happens: 6 * GIB, perUnit: GIB },
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

const FAMILIES = {
  'key-vault': { type: 'Microsoft.KeyVault/vaults', sizes: { standard: KEY_VAULT } },
  'app-service': {
    type: 'Microsoft.Web/serverfarms',
    sizes: {
      S1: appService('88039D51-A206-3A89-E9DE-C5117E2D10A6'),
      S2: appService('83A2A13E-4788-78DD-5D55-2831B68ED825'),
      S3: appService('1083B9DB-E9BB-24BE-A5E9-D6FDD0DDEFE6'),
    },
  },
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

const measureOf = (rule: Rule, { resourceUri, hour, hourMillis }: InHour): Measure => {
  const { meterId } = rule;
  if ('holds' in rule) return held(meterId, rule.holds);
  const times = timesInHour(resourceUri, meterId, rule.happens, hour, hourMillis);
  return happening(meterId, times, rule.perUnit);
};

const kindOf = ({ type, sizes }: Family): Kind => ({
  provider: 'platform',
  type,
  sizes: Object.keys(sizes),
  hasPower: false,
  measures: (inHour) => (sizes[inHour.state.size] ?? []).map((rule) => measureOf(rule, inHour)),
  additionalInfo: () => null,
});

export const PLATFORM_KINDS = {
  'key-vault': kindOf(FAMILIES['key-vault']),
  'app-service': kindOf(FAMILIES['app-service']),
  'sql-database': kindOf(FAMILIES['sql-database']),
  'mysql-database': kindOf(FAMILIES['mysql-database']),
  'event-hubs': kindOf(FAMILIES['event-hubs']),
};

import { formatQuantity, parseQuantity, ZERO, type Quantity } from '../../shared/model/decimal.ts';
import { readMeterCatalog } from '../../shared/meters/meter-catalog.ts';
import { namespaceOf } from '../../shared/model/placement.ts';
import { timeOf } from '../../shared/model/time-text.ts';
import { HOUR_MILLIS, millis, type Millis } from '../../shared/model/time.ts';
import { quantities } from '../../provider-sdk/index.ts';
import { withWorkers } from './app-service-workers.ts';
import { usageOf } from './consumption.ts';
import { KINDS } from './kinds.ts';
import { newResource } from './new-resource.ts';
import type { CloudResource, ResourceChange, ResourceKind } from './resource.ts';

const DAY = timeOf('2026-02-03T00:00:00Z');
const WINDOWS = '9cd92d4c-bafd-4492-b278-bedc2de8232a';
const LINUX = 'fab6eb84-500b-4a09-a8ca-7358f8bbaea5';
const HOURS = '6dab500f-a4fd-49c4-956d-229bb9c8c793';
const ACTUAL_STANDARD = '7ba084ec-ef9c-4d64-a179-7732c6cb5e28';
const ACTUAL_PREMIUM = 'daef389a-06e5-4684-a7f7-8813d9f792d5';
const OPERATOR = '39c82aed-b2b7-4a66-abdb-611de00bf11e';

const at = (text: string): Millis => timeOf(`2026-02-03T${text}Z`);

const resourceOf = (kind: ResourceKind, ...changes: readonly ResourceChange[]): CloudResource =>
  newResource({
    subscriptionId: '1d6c4363-3a9b-4cb6-8e6c-fc2e9ec74ca4',
    group: 'rg',
    kind,
    name: 'one',
    changes,
  });

const born = (
  size: string,
  more: { os?: 'windows' | 'linux'; at?: Millis } = {},
): ResourceChange => ({
  kind: 'created',
  at: timeOf('2020-01-01T00:00:00Z'),
  size,
  ...more,
});

/** What was consumed of each meter, in exact decimals. */
const totals = (resource: CloudResource, from: Millis, to: Millis): Record<string, string> => {
  const sums: Record<string, Quantity> = {};
  for (let start = from; start < to;) {
    const hourEnd = (Math.floor(start / HOUR_MILLIS) + 1) * HOUR_MILLIS;
    const end = millis(Math.min(hourEnd, to));
    for (const { meterId, quantity } of usageOf(resource, start, end)) {
      const sum = (sums[meterId] ?? ZERO) + (parseQuantity(String(quantity)) ?? ZERO);
      sums[meterId] = sum as Quantity;
    }
    start = end;
  }
  return Object.fromEntries(Object.entries(sums).map(([id, sum]) => [id, formatQuantity(sum)]));
};

const ofDay = (resource: CloudResource): Record<string, string> =>
  totals(resource, DAY, millis(DAY + 24 * HOUR_MILLIS));

test('a machine of four cores that ran all day has exactly 96 core hours and 24 hours', () => {
  const windows = resourceOf('vm', born('Standard_D3_v2', { os: 'windows' }));
  expect(ofDay(windows)).toEqual({ [WINDOWS]: '96', [HOURS]: '24' });
  const linux = resourceOf('vm', born('Standard_D3_v2', { os: 'linux' }));
  expect(ofDay(linux)).toEqual({ [LINUX]: '96', [HOURS]: '24' });
});

test('a stopped machine counts on, a deallocated one does not, until it is started again', () => {
  const machine = resourceOf(
    'vm',
    born('Standard_F2s', { os: 'linux' }),
    { kind: 'stopped', at: at('02:00:00') },
    { kind: 'deallocated', at: at('06:15:00') },
    { kind: 'started', at: at('18:00:00') },
  );
  expect(ofDay(machine)).toEqual({ [LINUX]: '24.5', [HOURS]: '12.25' });
});

test('a machine counts from the millisecond in which it was created to the one in which it was deleted', () => {
  const machine = resourceOf(
    'vm',
    born('Standard_F2s', { os: 'windows', at: at('10:20:00') }),
    { kind: 'resized', at: at('10:30:00'), size: 'Standard_F4s' },
    { kind: 'deleted', at: at('10:45:00') },
  );
  // 2 cores for a sixth of an hour and 4 for a quarter.
  expect(ofDay(machine)).toEqual({
    [WINDOWS]: '1.333333333333333333333333333333',
    [HOURS]: '0.416666666666666666666666666666',
  });
  const [first, , second] = usageOf(machine, at('10:00:00'), at('11:00:00'));
  expect([first, second].map((usage) => [usage?.from, usage?.to])).toEqual([
    [at('10:20:00'), at('10:30:00')],
    [at('10:30:00'), at('10:45:00')],
  ]);
  expect(second?.additionalInfo).toBe(
    '{"ServiceType":"Standard_F4s","ImageType":null,"Publisher":"MicrosoftWindowsServer","Offer":"WindowsServer","Sku":"2016-Datacenter"}',
  );
});

test.each([
  ['2026-02-03T04:00:00Z', 672],
  ['2028-02-29T23:00:00Z', 696],
  ['2026-12-31T23:00:00Z', 744],
  ['2026-11-30T23:00:00Z', 720],
])('a disk of the hour %s counts 1/%i of a month', (text, hours) => {
  const disk = resourceOf('disk', born('S10'));
  const hour = timeOf(text);
  const usage = usageOf(disk, hour, millis(hour + HOUR_MILLIS));
  const [disks, actual] = usage.map(({ meterId, quantity }) => [meterId, quantity]);
  expect(disks).toEqual([
    'd5f7731b-f639-404a-89d0-e46186e22c8d',
    formatQuantity((10n ** 30n / BigInt(hours)) as Quantity),
  ]);
  expect(actual?.[0]).toBe(ACTUAL_STANDARD);
});

/** The bytes behind a GB*month quantity of one hour; they must be whole. */
const bytesOf = (quantity: string, hours: number): bigint => {
  const scaled = (parseQuantity(quantity) ?? ZERO) * BigInt(hours) * 2n ** 30n;
  // The quantity was cut after 30 decimals: less than one byte is missing.
  return (scaled + 10n ** 30n - 1n) / 10n ** 30n;
};

test('what is written on a disk fits it, stays the same when it is resized, and counts by its tier', () => {
  const disk = resourceOf(
    'disk',
    born('S4'),
    { kind: 'resized', at: at('01:00:00'), size: 'S50' },
    { kind: 'resized', at: at('02:00:00'), size: 'P4' },
  );
  const actual = (hour: string, meterId: string): bigint => {
    const from = at(hour);
    const used = totals(disk, from, millis(from + HOUR_MILLIS));
    return bytesOf(used[meterId] ?? '0', 672);
  };
  const small = actual('00:00:00', ACTUAL_STANDARD);
  const large = actual('01:00:00', ACTUAL_STANDARD);
  const premium = actual('02:00:00', ACTUAL_PREMIUM);
  expect(small).toBeGreaterThan(0n);
  expect(small).toBeLessThanOrEqual(32n * 2n ** 30n);
  const growth = large - small; // the same in each hour, whatever the tier
  expect(premium - large).toBe(growth);
  expect(actual('02:00:00', ACTUAL_STANDARD)).toBe(0n);
});

test('a plan has a worker with its cores for the operator while it is dedicated, and a site all the time', () => {
  const plan = resourceOf(
    'app-service',
    born('S2'),
    { kind: 'resized', at: at('06:00:00'), size: 'F1' },
    { kind: 'resized', at: at('12:00:00'), size: 'P4' },
    { kind: 'deleted', at: at('18:00:00') },
  );
  const [same, worker] = withWorkers([plan], OPERATOR);
  expect(same).toBe(plan);
  expect(worker).toMatchObject({ subscriptionId: OPERATOR, provider: 'platform' });
  if (!worker) throw new Error('there is no worker');
  expect(ofDay(worker)).toEqual({ '190C935E-9ADA-48FF-9AB8-56EA1CF9ADAA': String(6 * 2 + 6 * 8) });
  expect(ofDay(plan)).toMatchObject({
    '73215A6C-FA54-4284-B9C1-7E8EC871CC5B': '18',
    '83A2A13E-4788-78DD-5D55-2831B68ED825': '6',
    '539CDEC7-B4F5-49F6-AAC4-1F15CFF0EDA9': '6',
    'a91eed6c-dbbc-4532-859c-86de776433a4': '6',
  });
});

test('each execution of a function needs 256 MB for 200 ms', () => {
  const used = ofDay(resourceOf('function-app', born('consumption')));
  const tens = parseQuantity(used['67CC4AFC-0691-48E1-A4B8-D744D1FEDBDE'] ?? '') ?? ZERO;
  const seconds = parseQuantity(used['D1D04836-075C-4F27-BF65-0A1130EC60ED'] ?? '') ?? ZERO;
  expect(tens).toBeGreaterThan(0n);
  const each = parseQuantity(quantities.gbSeconds(256, 200)) ?? ZERO;
  expect(seconds * 10n ** 30n).toBe(tens * 10n * each);
});

test('workers of plans with the same name in different subscriptions are different ones', () => {
  const plan = resourceOf('app-service', born('S1'));
  const other = { ...plan, resourceUri: plan.resourceUri.replace('1d6c4363', '2d6c4363') };
  const again = { ...plan, resourceUri: plan.resourceUri.toUpperCase() };
  const [, , , ...workers] = withWorkers([plan, other, again], OPERATOR);
  const [first, second, third] = workers.map(({ resourceUri }) => resourceUri);
  expect(second).not.toBe(first);
  expect(third).toBe(first);
});

test('the last millisecond of an hour is metered', () => {
  const machine = resourceOf('vm', born('Standard_A1', { os: 'linux', at: at('23:59:59.999') }));
  expect(ofDay(machine)[HOURS]).toBe('0.000000277777777777777777777777');
});

test('addresses count their hours by how they were allocated, and a deleted one no more', () => {
  const address = resourceOf(
    'public-ip',
    born('dynamic'),
    { kind: 'resized', at: at('06:00:00'), size: 'static' },
    { kind: 'deleted', at: at('12:00:00') },
  );
  expect(ofDay(address)).toEqual({
    '9E2739BA86744796B465F64674B822BA': '6',
    F271A8A388C44D93956A063E1D2FA80B: '6',
  });
});

test('an account counts whole bytes and requests, and is busier by day than by night', () => {
  const account = resourceOf('storage-account', born('Standard_LRS'));
  const requests = '43DAF82B-4618-444A-B994-40C23F7CD438';
  const day = totals(account, at('10:00:00'), at('11:00:00'));
  const night = totals(account, at('03:00:00'), at('04:00:00'));
  expect(Number(day[requests])).toBeGreaterThan(Number(night[requests]));
  expect(((parseQuantity(day[requests] ?? '') ?? ZERO) * 10_000n) % 10n ** 30n).toBe(0n);
  const bytes = parseQuantity(day['B5C15376-6C94-4FDD-B655-1A69D138ACA3'] ?? '') ?? ZERO;
  expect(bytes).toBeGreaterThan(0n);
  expect((bytes * 2n ** 30n) % 10n ** 30n).toBe(0n);
});

test('a cluster of event hubs of two capacity units has 20 cores, a database the megabytes it was created with', () => {
  expect(ofDay(resourceOf('event-hubs', born('2CU')))).toEqual({
    'CB6A35C5-FADE-406C-B14D-6DDB7C4CA3D5': '480',
  });
  expect(ofDay(resourceOf('mysql-database', born('2048MB')))).toEqual({
    'E6D8CFCD-7734-495E-B1CC-5AB0B9C24BD3': String(24 * 2048),
  });
});

test.each(Object.entries(KINDS))(
  'every meter of every size of %s is one of the catalog, of its namespace and not deprecated',
  (name, kind) => {
    const catalog = new Map(readMeterCatalog().map((meter) => [meter.meterId, meter]));
    for (const size of kind.sizes) {
      for (const os of ['windows', 'linux'] as const) {
        const resource = resourceOf(name as ResourceKind, born(size, { os }));
        const meters = Object.keys(ofDay(resource));
        expect({ size, meters }).not.toEqual({ size, meters: [] });
        if (name === 'disk') {
          const tier = size.startsWith('P') ? 'ActualPremiumDiskSize' : 'ActualStandardDiskSize';
          const units = meters
            .map((id) => catalog.get(id))
            .map((meter) => [meter?.name, meter?.unit]);
          expect(units).toEqual([
            [size, 'Count of Disks*month'],
            [tier, 'GB*month'],
          ]);
        }
        for (const id of meters) {
          const meter = catalog.get(id) ?? catalog.get(id.toUpperCase());
          expect(meter).toMatchObject({ deprecated: false });
          expect(meter?.resourceProvider.toLowerCase()).toBe(namespaceOf(resource.resourceUri));
        }
      }
    }
  },
);

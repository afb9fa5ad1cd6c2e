import { DAY_MILLIS, HOUR_MILLIS, millis, type Millis } from '../../shared/model/time.ts';
import { draw, pick } from './draw.ts';
import { newMachine, type MachineSize } from './new-machine.ts';
import { newResource } from './new-resource.ts';
import type { CloudResource, ResourceChange } from './resource.ts';
import type { Tenant } from './tenant.ts';

const WEEK_MILLIS = 7 * DAY_MILLIS;
const MAX_DAYS = 9;

const SIZES: readonly [MachineSize, ...MachineSize[]] = [
  'Standard_F2s',
  'Standard_D3_v2',
  'Standard_F8s',
];

/** Enough for each of them to have a larger one. */
const LARGER: ReadonlyMap<MachineSize, MachineSize> = new Map([
  ['Standard_F2s', 'Standard_F4s'],
  ['Standard_D3_v2', 'Standard_D4_v2'],
  ['Standard_F8s', 'Standard_F16s'],
]);

/**
 * What a tenant sets up for some days: a machine with its disk and a dynamic address, which are resized,
 * stopped and deallocated, and deleted in the end. They are drawn for each week since 1970, so the same ones
 * come whatever range is asked for.
 */
export const passingResources = (
  tenant: Tenant,
  from: Millis,
  to: Millis,
): readonly CloudResource[] => {
  const resources: CloudResource[] = [];
  const first = Math.floor((from - MAX_DAYS * DAY_MILLIS) / WEEK_MILLIS);
  for (let week = first; week * WEEK_MILLIS < to; week++) {
    const { seed, number, isLarge } = tenant;
    const count = Math.floor(draw(seed, number, week, 'passing') * (isLarge ? 3 : 2));
    for (let n = 0; n < count; n++) resources.push(...project(tenant, week, n));
  }
  return resources.filter(({ changes }) => {
    const [created, deleted] = [changes[0], changes.at(-1)];
    return created && deleted && created.at < to && deleted.at > from;
  });
};

/** Everything starts and ends at a full second of its own, hardly ever with an hour. */
const project = (tenant: Tenant, week: number, n: number): readonly CloudResource[] => {
  const { seed, number, subscriptionId } = tenant;
  const chance = (what: string): number => draw(seed, number, week, n, what);
  const seconds = (most: number, what: string): number => Math.floor(chance(what) * most) * 1_000;
  const created = millis(week * WEEK_MILLIS + seconds(WEEK_MILLIS / 1_000, 'created'));
  const length = DAY_MILLIS / 2 + seconds(((MAX_DAYS - 1) * DAY_MILLIS) / 1_000, 'length');
  const size = pick(SIZES, seed, number, week, n, 'size');
  const life: readonly ResourceChange[] = [
    ...happenings(pick(STORIES, seed, number, week, n, 'story'), { created, length, size }),
    { kind: 'deleted', at: millis(created + length) },
  ];
  const name = `build-${String(number)}-${String(week)}-${String(n)}`;
  return [
    ...newMachine({
      tenant,
      group: `${tenant.group}-builds`,
      name,
      size,
      os: chance('windows') < 0.3 ? 'windows' : 'linux',
      created,
      hasDataDisk: false,
      changes: life,
    }),
    newResource({
      subscriptionId,
      group: `${tenant.group}-builds`,
      kind: 'public-ip',
      name: `${name}-ip`,
      changes: [
        { kind: 'created', at: created, size: 'dynamic' },
        ...life.filter(({ kind }) => kind !== 'resized' && kind !== 'stopped'),
      ],
    }),
  ];
};

type Story = 'quiet' | 'grows' | 'stops' | 'sleeps';
const STORIES: readonly [Story, ...Story[]] = ['quiet', 'grows', 'stops', 'sleeps'];

interface Life {
  readonly created: Millis;
  readonly length: number;
  readonly size: MachineSize;
}

const happenings = (story: Story, { created, length, size }: Life): readonly ResourceChange[] => {
  const after = (share: number): Millis =>
    millis(created + Math.floor((length * share) / 1_000) * 1_000);
  switch (story) {
    case 'quiet':
      return [];
    case 'grows':
      return [{ kind: 'resized', at: after(0.4), size: LARGER.get(size) ?? size }];
    case 'stops':
      return [
        { kind: 'stopped', at: after(0.3) },
        { kind: 'started', at: after(0.5) },
        { kind: 'deallocated', at: after(0.8) },
      ];
    case 'sleeps':
      return nights(created, millis(created + length));
  }
};

/** Deallocated each evening at 19:00 and started each morning at 7:00. */
const nights = (from: Millis, to: Millis): readonly ResourceChange[] => {
  const changes: ResourceChange[] = [];
  for (let day = Math.floor(from / DAY_MILLIS) * DAY_MILLIS; day < to; day += DAY_MILLIS) {
    const evening = millis(day + 19 * HOUR_MILLIS);
    const morning = millis(day + 31 * HOUR_MILLIS);
    if (evening <= from || evening >= to) continue;
    changes.push({ kind: 'deallocated', at: evening });
    if (morning < to) changes.push({ kind: 'started', at: morning });
  }
  return changes;
};

import { DAY_MILLIS, millis, type Millis } from '../../shared/model/time.ts';
import { lastingResources } from './lasting-resources.ts';
import { passingResources } from './passing-resources.ts';
import type { CloudResource } from './resource.ts';
import { tenantsOf, type CloudSeed } from './tenant.ts';

/** A live cloud that nobody has changed knows its future this long. */
const YEAR_MILLIS = 366 * DAY_MILLIS;

export interface CloudOptions extends CloudSeed {
  readonly from: Millis;
  /** Exclusive; a year after the start by default. */
  readonly to?: Millis;
}

/**
 * The resources that exist at some time in a range. Each is drawn from the seed and has its whole life in
 * its changes, so a resource is the same in every range: history and live usage agree about it.
 */
export const seededCloud = ({
  from,
  to = millis(from + YEAR_MILLIS),
  ...cloud
}: CloudOptions): readonly CloudResource[] =>
  tenantsOf(cloud).flatMap((tenant) => [
    ...lastingResources(tenant),
    ...passingResources(tenant, from, to),
  ]);

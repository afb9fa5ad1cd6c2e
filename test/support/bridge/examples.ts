import { parseQuantity, ZERO, type Quantity } from '../../../services/shared/model/decimal.ts';
import type { SourcePartition } from '../../../services/shared/model/source.ts';
import { usageMonthOf } from '../../../services/shared/model/usage-months.ts';
import type { UsageCarry } from '../../../services/shared/model/usage-carry.ts';
import type { Pending } from '../../../services/bridge/ports.ts';
import { HOUR_MILLIS, type Hour } from '../../../services/shared/model/time.ts';

const MIDNIGHT = Date.UTC(2026, 0, 10);
export const hour = (n: number): Hour => (MIDNIGHT + n * HOUR_MILLIS) as Hour;

export const SUBSCRIPTION = '0f723db3-b972-4e48-9aaa-614b04457bf2';
export const uriOf = (name: string): string =>
  `/subscriptions/${SUBSCRIPTION}/resourceGroups/RG/providers/Microsoft.Compute/virtualMachines/${name}`;

/** What is to be sent of a resource for an hour. */
export const submissionOf = (
  submissionId: string,
  resourceUri: string,
  h: number,
  quantity: Quantity = parseQuantity('1.5') ?? ZERO,
): Pending['submission'] => ({
  submissionId,
  resourceUri,
  subscriptionId: SUBSCRIPTION,
  location: 'local',
  dimension: 'DIM',
  meters: ['DIM'],
  quantity,
  usageMonths: [{ month: usageMonthOf(hour(h)), quantity }],
  planId: 'plan',
});

/** A carry of the first hour's usage. */
export const carryInto = (
  { topic, epoch, partition }: SourcePartition,
  changes: Partial<UsageCarry> & Pick<UsageCarry, 'submissionId' | 'quantity'>,
): UsageCarry => {
  const dimension = changes.dimension ?? 'DIM';
  return {
    topic,
    epoch,
    partition,
    from: { topic, epoch, partition, hour: hour(0) },
    moves: 0,
    reason: 'expired',
    resourceUri: uriOf('a'),
    subscriptionId: SUBSCRIPTION,
    location: 'local',
    dimension,
    meters: [dimension],
    months: [{ month: usageMonthOf(hour(0)), quantity: changes.quantity }],
    ...changes,
  };
};

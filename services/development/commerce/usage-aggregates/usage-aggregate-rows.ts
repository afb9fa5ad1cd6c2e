import { quantityFromDouble } from '../../../shared/billing/double.ts';
import {
  addQuantities,
  quantityToNumber,
  ZERO,
  type Quantity,
} from '../../../shared/model/decimal.ts';
import { offsetText } from '../../../shared/model/instance-data.ts';
import { asciiLower } from '../../../shared/model/placement.ts';
import { isoText, millis, type Millis } from '../../../shared/model/time.ts';
import type { Body } from '../answers.ts';
import type { CommerceMeters } from '../commerce-meters.ts';
import { resourceName, type AcceptedEvent } from '../metering-event.ts';
import { lengthOf, type Granularity, type UsageAggregatesQuery } from './usage-aggregates-query.ts';

/** The usage of one day or hour of a meter; of one instance of it, if details are shown. */
export interface UsageAggregate {
  readonly start: Millis;
  readonly quantity: Quantity;
  /** The first event of it. */
  readonly first: AcceptedEvent;
}

/** Adds up events that are billed to one subscription to rows, ordered by time. */
export class UsageAggregates {
  private readonly query: Pick<UsageAggregatesQuery, 'granularity' | 'showDetails'>;
  private readonly rows = new Map<string, UsageAggregate>();

  constructor(query: Pick<UsageAggregatesQuery, 'granularity' | 'showDetails'>) {
    this.query = query;
  }

  add(event: AcceptedEvent): void {
    const length = lengthOf(this.query.granularity);
    const start = millis(Math.floor(event.hour / length) * length);
    const instance = [event.tenantSubscription ?? '', asciiLower(resourceName(event.resource))];
    const key = [
      isoText(start),
      asciiLower(event.dimension),
      ...(this.query.showDetails ? instance : []),
    ].join('\0');
    const { quantity = ZERO, first = event } = this.rows.get(key) ?? {};
    const sum = addQuantities(quantity, quantityFromDouble(event.quantity));
    this.rows.set(key, { start, quantity: sum, first });
  }

  inOrder(): readonly UsageAggregate[] {
    return [...this.rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
  }
}

/** A row as Azure's usage API has it (docs/azure.md, "How Azure shows a stamp's usage"). */
export const usageAggregateBody = (
  { start, quantity, first }: UsageAggregate,
  subscription: string,
  { granularity, showDetails }: Pick<UsageAggregatesQuery, 'granularity' | 'showDetails'>,
  meters: CommerceMeters,
): Body => {
  const name = nameOf(granularity, start);
  const meter = meters.get(asciiLower(first.dimension));
  return {
    id: `/subscriptions/${subscription}/providers/Microsoft.Commerce/UsageAggregates/${name}`,
    name,
    type: 'Microsoft.Commerce/UsageAggregate',
    properties: {
      subscriptionId: subscription,
      usageStartTime: offsetText(start),
      usageEndTime: offsetText(millis(start + lengthOf(granularity))),
      meterName: meter?.name ?? '',
      meterCategory: meter?.category ?? '',
      meterRegion: 'Azure Stack',
      unit: meter?.unit ?? '',
      meterId: first.dimension,
      infoFields: {},
      ...(showDetails && { instanceData: instanceText(first) }),
      quantity: quantityToNumber(quantity),
    },
  };
};

/** `Daily_BRSDT_20140501_0000`, as seen in Azure. */
const nameOf = (granularity: Granularity, start: Millis): string => {
  const [date = '', time = ''] = isoText(start).split('T');
  return `${granularity}_BRSDT_${date.replaceAll('-', '')}_${time.slice(0, 5).replace(':', '')}`;
};

const instanceText = ({
  resource,
  additionalInfo,
  tenantSubscription,
  hour,
}: AcceptedEvent): string =>
  JSON.stringify({
    'Microsoft.Resources': {
      resourceUri: asciiLower(resourceName(resource)),
      location: 'azurestack',
      tags: null,
      additionalInfo: {
        'azureStack.MeterId': additionalInfo?.['azureStack.MeterId'] ?? '',
        'azureStack.SubscriptionId':
          additionalInfo?.['azureStack.SubscriptionId'] ?? tenantSubscription ?? '',
        'azureStack.Location': additionalInfo?.['azureStack.Location'] ?? 'local',
        'azureStack.EventDateTime':
          additionalInfo?.['azureStack.EventDateTime'] ?? americanTime(hour),
      },
    },
  });

/** `06/05/2017 06:00:00` */
const americanTime = (instant: Millis): string => {
  const [date = '', time = ''] = isoText(instant).split('T');
  const [year = '', month = '', day = ''] = date.split('-');
  return `${month}/${day}/${year} ${time.slice(0, 8)}`;
};

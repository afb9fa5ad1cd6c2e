import type { EventTexts } from '../shared/model/event-texts.ts';
import { instanceData, offsetText } from '../shared/model/instance-data.ts';
import { millis } from '../shared/model/time.ts';
import type { RowKey } from './continuation-token.ts';

/**
 * The usage of one bucket (hour or day), subscription, meter and resource, summed over the requested range.
 */
export interface UsageRow extends RowKey, EventTexts {
  /** The end of the usage hour or day, exclusive, in seconds since 1970. */
  readonly usageEnd: number;
  /** The exact sum, as decimal text. */
  readonly quantity: string;
}

/** A row as recorded from Azure Stack Hub, including the order of its fields. */
export interface UsageAggregateResource {
  readonly id: string;
  readonly name: string;
  readonly type: 'Microsoft.Commerce/UsageAggregate';
  readonly properties: {
    readonly subscriptionId: string;
    readonly usageStartTime: string;
    readonly usageEndTime: string;
    /** JSON as text. */
    readonly instanceData: string;
    readonly quantity: number;
    readonly meterId: string;
    readonly name: string;
  };
}

/**
 * @param caller the subscription in the path: it is in the row's id; the user's subscription is in the name
 */
export const usageAggregateResource = (row: UsageRow, caller: string): UsageAggregateResource => {
  const name = `${row.subscriptionId}-${row.meterId}`;
  return {
    id: `/subscriptions/${caller}/providers/Microsoft.Commerce/UsageAggregate/${name}`,
    name,
    type: 'Microsoft.Commerce/UsageAggregate',
    properties: {
      subscriptionId: row.subscriptionId,
      usageStartTime: startText(row.usageStart),
      usageEndTime: endText(row.usageEnd),
      instanceData: instanceData(row),
      // Parsing decimal text gives the nearest double.
      quantity: Number(row.quantity),
      meterId: row.meterId,
      name,
    },
  };
};

const secondsText = (seconds: number): string => offsetText(millis(seconds * 1000));

/** A function that keeps its last result: most rows have the times of the row before, and writing a date takes long. */
const keepingLast = (textOf: (value: number) => string): ((value: number) => string) => {
  let last = 0;
  let text = textOf(last);
  return (value) => {
    if (value !== last) [last, text] = [value, textOf(value)];
    return text;
  };
};

const startText = keepingLast(secondsText);
const endText = keepingLast(secondsText);

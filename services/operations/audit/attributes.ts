import type { Values } from './differences.ts';
import type { Columns } from './stored-rows.ts';
import type { Usage } from './usage.ts';

/**
 * What an event shows besides its times and quantity. A window shows the attributes of its first event.
 */
export type Attributes = Omit<Usage, 'eventId' | 'start' | 'end' | 'quantity'>;

/** The columns of the attributes, in every table. */
export const ATTRIBUTES: Columns = {
  subscription_id: 't.subscription_id',
  meter_id: 't.meter_id',
  resource_uri: 't.resource_uri',
  location: 't.location',
  tags: 't.tags',
  additional_info: 't.additional_info',
};

/** The values in the order of the columns. */
export const attributeValues = (given: Attributes): Values => [
  given.subscriptionId,
  given.meterId,
  given.resourceUri,
  given.location,
  given.tags,
  given.additionalInfo,
];

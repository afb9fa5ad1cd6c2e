/** The names of the pipeline's topics, all under one prefix (`usage`, unless set otherwise). */

/** A live topic, by the short name of its provider: `usage.events.compute`. */
export const liveTopicName = (prefix: string, provider: string): string =>
  `${prefix}.events.${provider}`;

/** The topic of one history run: `usage.history.1f0c2d3e4b5a`. */
export const historyTopicName = (prefix: string, run: string): string => `${prefix}.history.${run}`;

export const deadLetterTopicName = (prefix: string): string => `${prefix}.events.dlq`;

export const aggregatesTopicName = (prefix: string): string => `${prefix}.aggregates.hourly`;

/** The consumer group of the aggregators. */
export const aggregatorGroup = (prefix: string): string => `${prefix}-aggregator`;

/** Whether a provider may have this name. It becomes part of a topic's name, and `dlq` is taken. */
export const isProviderName = (name: string): boolean =>
  /^[a-z0-9][a-z0-9-]{0,62}$/.test(name) && name !== 'dlq';

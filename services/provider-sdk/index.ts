/** What a resource provider reports its usage with. */
export { eventsOfUsage } from './events-of-usage.ts';
export * as quantities from './quantities.ts';
export type { Measure } from './quantities.ts';
export type { Instant, Usage, UsageProblem } from './usage.ts';
export type { UsageEvent } from '../shared/model/usage-event.ts';

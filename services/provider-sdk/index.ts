/** What a resource provider reports its usage with: see docs/providers.md. */
export { eventsOfUsage } from './events-of-usage.ts';
export { openUsageProvider, type ProviderStatus, type UsageProvider } from './provider.ts';
export type { ProviderOptions } from './provider-options.ts';
export {
  DeliveryFailed,
  ProviderClosed,
  UsageRefused,
  type RefusedUsage,
} from './provider-errors.ts';
export { SpoolFull, type SpoolStatus } from './spool/spool.ts';
export * as quantities from './quantities.ts';
export type { Measure } from './quantities.ts';
export type { Instant, Usage, UsageProblem } from './usage.ts';
export type { UsageEvent } from '../shared/model/usage-event.ts';
export { UserError } from '../shared/process/errors.ts';

import { eventsOfUsage } from '../../provider-sdk/events-of-usage.ts';
import type { Usage } from '../../provider-sdk/usage.ts';
import type { UsageEvent } from '../../shared/model/usage-event.ts';

/** The events of the cloud's usage. The cloud makes none that the SDK refuses: that would be a defect. */
export const eventsOf = (usage: Usage, hourMillis: number): readonly UsageEvent[] => {
  const events = eventsOfUsage(usage, hourMillis);
  if (events.ok) return events.value;
  const problems = events.error.map(({ field, problem }) => `${field} ${problem}`).join('; ');
  throw new Error(`the simulated cloud has made usage of ${usage.resourceUri} whose ${problems}`);
};

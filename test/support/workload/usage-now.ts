import { millis } from '../../../services/shared/model/time.ts';
import type { Emission } from './emission.ts';
import { generateWorkload, type WorkloadOptions } from './generate-workload.ts';

/** Usage of a few resources that is reported now. */
export const usageNow = (
  seed: number,
  options: Pick<WorkloadOptions, 'events' | 'topics' | 'shares'>,
): readonly Emission[] => {
  const now = millis(Date.now());
  const size = { tenants: 5, resourcesPerTenant: 8, reportedFrom: now, reportedTo: now };
  return [...generateWorkload({ seed, ...size, ...options })];
};

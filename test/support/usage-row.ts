import type { UsageRow } from '../../services/usage-api/usage-row.ts';

/** Row `n` of an answer: the keys of rows are in the order of their numbers. */
export const usageRow = (n: number, usageStart = 0): UsageRow => ({
  usageStart,
  usageEnd: usageStart + 3600,
  subscriptionKey: 's',
  meterKey: 'm',
  resourceKey: String(n).padStart(5, '0'),
  subscriptionId: 's',
  meterId: 'm',
  resourceUri: String(n),
  location: '',
  tags: null,
  additionalInfo: null,
  quantity: '1',
});

import type { BridgeChunk } from './fold/bridge-fold.ts';
import type { Composition } from './fold/compose.ts';
import { outcomeOf, type Outcome } from '../shared/billing/outcome.ts';
import type { Store } from './ports.ts';
import type { UsageCarry } from '../shared/model/usage-carry.ts';

/**
 * Stores one cut of the fold. The order makes a crash harmless (docs/design.md, "Flush order" and
 * "Billing"):
 *
 * 1. refused records
 * 2. submissions: none of them is sent yet
 * 3. compositions, atomically: from now on their submissions count, never change, and may be sent
 * 4. outcomes of what was released or resubmitted into them. Who asked for it may have died before
 * 5. checkpoint: composed hours need not be read again
 */
export const flush = async (
  partition: number,
  chunk: BridgeChunk,
  compositions: readonly Composition[],
  store: Pick<
    Store,
    'writeRefused' | 'writeSubmissions' | 'writeCompositions' | 'writeOutcomes' | 'writeCheckpoint'
  >,
): Promise<void> => {
  if (chunk.refused.length > 0) await store.writeRefused(partition, chunk.refused);
  if (compositions.length > 0) {
    await store.writeSubmissions(compositions);
    await store.writeCompositions(partition, compositions);
    const outcomes = compositions.flatMap(({ carries }) => carries.flatMap(askedOutcome));
    if (outcomes.length > 0) await store.writeOutcomes(outcomes);
  }
  await store.writeCheckpoint(partition, chunk.checkpoint);
};

/** The sender records what it carries itself. */
const askedOutcome = (carry: UsageCarry): readonly Outcome[] => {
  if (carry.reason === 'expired') return [];
  const { hour, ...at } = carry.from;
  const { submissionId, resourceUri, subscriptionId, location, dimension, meters } = carry;
  const { quantity, months: usageMonths } = carry;
  const submission = {
    submissionId,
    resourceUri,
    subscriptionId,
    location,
    dimension,
    meters,
    quantity,
    usageMonths,
    planId: '',
  };
  return [outcomeOf({ at, hour, submission }, 'carried', { code: carry.reason })];
};

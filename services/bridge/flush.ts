import type { BridgeChunk } from './fold/bridge-fold.ts';
import type { Composition } from './fold/compose.ts';
import type { Store } from './ports.ts';

/**
 * Stores one cut of the fold. The order is what makes a crash harmless (docs/design.md, "Flush order" and "Billing"):
 *
 * 1. records that are not believed
 * 2. submissions: nothing is sent of them yet
 * 3. compositions, all at once: from now on the submissions count, never change, and may be sent
 * 4. checkpoint: what is composed need not be read again
 */
export const flush = async (
  partition: number,
  chunk: BridgeChunk,
  compositions: readonly Composition[],
  store: Pick<Store, 'writeRefused' | 'writeSubmissions' | 'writeCompositions' | 'writeCheckpoint'>,
): Promise<void> => {
  if (chunk.refused.length > 0) await store.writeRefused(partition, chunk.refused);
  if (compositions.length > 0) {
    await store.writeSubmissions(compositions);
    await store.writeCompositions(partition, compositions);
  }
  await store.writeCheckpoint(partition, chunk.checkpoint);
};

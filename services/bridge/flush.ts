import type { BridgeChunk } from './fold/bridge-fold.ts';
import type { Composition } from './fold/compose.ts';
import type { Store } from './ports.ts';

/**
 * Stores one cut of the fold. The order makes a crash harmless (docs/design.md, "Flush order" and
 * "Billing"):
 *
 * 1. refused records
 * 2. submissions: none of them is sent yet
 * 3. compositions, atomically: from now on their submissions count, never change, and may be sent
 * 4. checkpoint: composed hours need not be read again
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

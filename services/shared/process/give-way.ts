import { setImmediate } from 'node:timers/promises';

/** How long work may keep everything else in the process waiting. */
const SLICE_MILLIS = 20;

let since = 0;

/**
 * Lets timers, heartbeats and the network of this process have their turn, if they have had none for a while. To be
 * awaited between the parts of long work: awaiting a promise alone lets nothing else in.
 */
export const giveWay = async (): Promise<void> => {
  if (performance.now() - since < SLICE_MILLIS) return;
  await setImmediate();
  since = performance.now();
};

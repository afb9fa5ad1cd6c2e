import { setImmediate } from 'node:timers/promises';

/** How long work may keep everything else in the process waiting. */
const SLICE_MILLIS = 20;

let since = 0;
let turn: Promise<void> = Promise.resolve();

/**
 * Lets timers, heartbeats and the network of this process have their turn, if they have had none for a while. To be
 * awaited before each part of long work: awaiting a promise alone lets nothing else in. Of several who wait, each goes on in
 * a turn of its own.
 */
export const giveWay = async (): Promise<void> => {
  if (performance.now() - since < SLICE_MILLIS) return;
  turn = turn.then(() => setImmediate());
  await turn;
  since = performance.now();
};

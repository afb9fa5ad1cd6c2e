import { connect } from 'node:net';
import { answersAt } from '../../../shared/kafka/answers-at.ts';
import { delay } from '../child-process.ts';

const POLL_MILLIS = 50;

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

const answers = (port: number): Promise<boolean> => answersAt(`127.0.0.1:${String(port)}`);

/** A broker listens after 1 to 3 seconds, later if it has to check many records after a crash. */
const PATIENCE_MILLIS = 120_000;

/**
 * Resolves to `ready` when the broker answers a metadata request that names it, so that topics can be
 * created; to `ended` as soon as `hasEnded` says so; to `silent` after two minutes.
 */
export const awaitBroker = async (
  port: number,
  hasEnded: () => boolean,
): Promise<'ready' | 'ended' | 'silent'> => {
  const giveUpAt = Date.now() + PATIENCE_MILLIS;
  for (const isReady of [accepts, answers]) {
    while (!(await isReady(port))) {
      if (hasEnded()) return 'ended';
      if (Date.now() > giveUpAt) return 'silent';
      await delay(POLL_MILLIS);
    }
  }
  // What answered may be another broker, which took the port first.
  return hasEnded() ? 'ended' : 'ready';
};

import RequestQueue from 'kafkajs/src/network/requestQueue/index.js';

/** Milliseconds until requests are looked at again that wait for others in flight. */
const WAITING_MILLIS = 10;

/**
 * Lets a connection of kafkajs set its timer only while requests wait, for the entire process. kafkajs
 * 2.2.4 sets it after each check, with a delay that is negative where the broker does not throttle: so
 * every connection wakes the process once a millisecond for ever. Nothing depends on those checks: a
 * request that is put off sets the timer itself, and each answer looks at those that wait.
 */
export const wakeOnlyForRequests = (): void => {
  RequestQueue.prototype.scheduleCheckPendingRequests = function () {
    if (this.pending.length === 0 || this.throttleCheckTimeoutId !== null) return;
    const throttled = this.throttledUntil - Date.now();
    this.throttleCheckTimeoutId = setTimeout(
      () => {
        this.throttleCheckTimeoutId = null;
        this.checkPendingRequests();
      },
      throttled > 0 ? throttled : WAITING_MILLIS,
    );
  };
};

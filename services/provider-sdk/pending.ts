/**
 * Resolves when all of these calls have settled.
 * @throws what the first of them failed with, if one did
 */
export const allSettled = async (calls: Iterable<Promise<void>>): Promise<void> => {
  const settled = await Promise.allSettled(calls);
  const failed = settled.find(({ status }) => status === 'rejected');
  if (failed) throw (failed as PromiseRejectedResult).reason;
};

/** Calls that have not settled yet. */
export class Pending {
  private readonly calls = new Set<Promise<void>>();

  add(call: Promise<void>): Promise<void> {
    this.calls.add(call);
    const forget = (): void => {
      this.calls.delete(call);
    };
    call.then(forget, forget);
    return call;
  }

  /**
   * Resolves when all calls that were added before have settled.
   * @throws if one of them failed
   */
  settled(): Promise<void> {
    return allSettled(this.calls);
  }
}

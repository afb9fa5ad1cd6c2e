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
  async settled(): Promise<void> {
    const settled = await Promise.allSettled(this.calls);
    const failed = settled.find(({ status }) => status === 'rejected');
    if (failed) throw (failed as PromiseRejectedResult).reason;
  }
}

/** Runs tasks strictly one after the other, in the order in which they are given. */
export class Serial {
  private last: Promise<unknown> = Promise.resolve();

  run<T>(task: () => Promise<T>): Promise<T> {
    const result = this.last.then(task);
    this.last = result.catch(() => undefined); // the caller has the error; the next task continues
    return result;
  }
}

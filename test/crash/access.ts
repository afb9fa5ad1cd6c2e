/**
 * Who may use the servers: any number of schedules that leave them alone, or a single one that
 * kills them. First come, first served, so that neither waits for ever.
 */
export class Access {
  private users = 0;
  private readonly waiting: { readonly alone: boolean; readonly enter: () => void }[] = [];
  private isAlone = false;

  async use<T>(alone: boolean, task: () => Promise<T>): Promise<T> {
    await new Promise<void>((enter) => {
      this.waiting.push({ alone, enter });
      this.letIn();
    });
    try {
      return await task();
    } finally {
      this.users--;
      this.isAlone = false;
      this.letIn();
    }
  }

  private letIn(): void {
    for (;;) {
      const [next] = this.waiting;
      if (!next || this.isAlone || (next.alone && this.users > 0)) return;
      this.waiting.shift();
      this.users++;
      this.isAlone = next.alone;
      next.enter();
    }
  }
}

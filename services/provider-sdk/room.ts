/** Bounds what calls hold in memory: whoever does not fit waits, first come, first served. */
export class Room {
  private readonly maxBytes: number;
  private readonly waiting: { readonly bytes: number; readonly enter: () => void }[] = [];
  heldBytes = 0;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  get waitingCalls(): number {
    return this.waiting.length;
  }

  /** Runs work that holds so many bytes. What is larger than the room goes alone. */
  async hold<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    if (this.waiting.length > 0 || !this.fits(bytes)) {
      await new Promise<void>((enter) => this.waiting.push({ bytes, enter }));
    } else this.heldBytes += bytes;
    try {
      return await work();
    } finally {
      this.heldBytes -= bytes;
      this.letIn();
    }
  }

  private fits(bytes: number): boolean {
    return this.heldBytes === 0 || this.heldBytes + bytes <= this.maxBytes;
  }

  private letIn(): void {
    for (let [first] = this.waiting; first && this.fits(first.bytes); [first] = this.waiting) {
      this.waiting.shift();
      this.heldBytes += first.bytes;
      first.enter();
    }
  }
}

const SIZE_BYTES = 4;

/** A larger answer is handed on as it comes: what says that it is so large may be no broker. */
const MAX_WHOLE_BYTES = 64 * 1024 * 1024;

/**
 * Puts the bytes of a connection together to whole answers of the broker, each behind the four bytes that say how
 * long it is. An answer is copied once, into a buffer of its own.
 */
export class WholeAnswers {
  private readonly emit: (bytes: Buffer) => void;
  private readonly size = Buffer.alloc(SIZE_BYTES);
  private sizeBytes = 0;
  /** The answer that is being read. */
  private answer: Buffer | null = null;
  private filled = 0;
  /** Bytes that are still to be handed on as they come. */
  private passing = 0;

  /** `emit` is given a whole answer, or part of one that is too large. It may keep the bytes. */
  constructor(emit: (bytes: Buffer) => void) {
    this.emit = emit;
  }

  /** Takes bytes as they come. They are not kept. */
  take(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      if (this.passing > 0) at += this.pass(bytes, at);
      else if (this.answer) at += this.fill(this.answer, bytes, at);
      else at += this.begin(bytes, at);
    }
  }

  private begin(bytes: Uint8Array, at: number): number {
    const taken = Math.min(SIZE_BYTES - this.sizeBytes, bytes.length - at);
    this.size.set(bytes.subarray(at, at + taken), this.sizeBytes);
    this.sizeBytes += taken;
    if (this.sizeBytes < SIZE_BYTES) return taken;
    this.sizeBytes = 0;
    const length = this.size.readUInt32BE();
    if (length === 0 || length > MAX_WHOLE_BYTES) {
      this.passing = length;
      this.emit(Buffer.from(this.size));
      return taken;
    }
    this.answer = Buffer.allocUnsafeSlow(SIZE_BYTES + length);
    this.answer.set(this.size);
    this.filled = SIZE_BYTES;
    return taken;
  }

  private fill(answer: Buffer, bytes: Uint8Array, at: number): number {
    const taken = Math.min(answer.length - this.filled, bytes.length - at);
    answer.set(bytes.subarray(at, at + taken), this.filled);
    this.filled += taken;
    if (this.filled === answer.length) {
      this.answer = null;
      this.emit(answer);
    }
    return taken;
  }

  private pass(bytes: Uint8Array, at: number): number {
    const taken = Math.min(this.passing, bytes.length - at);
    this.passing -= taken;
    this.emit(Buffer.from(bytes.subarray(at, at + taken)));
    return taken;
  }
}

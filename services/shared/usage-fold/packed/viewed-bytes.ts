const NOTHING = Buffer.alloc(0);

/** Bytes with a view, through which four bytes are read at once. */
export class ViewedBytes {
  private held: Buffer = NOTHING;
  private heldView = viewOf(NOTHING);

  constructor(bytes: Buffer = NOTHING) {
    this.set(bytes);
  }

  get bytes(): Buffer {
    return this.held;
  }

  get view(): DataView {
    return this.heldView;
  }

  set(bytes: Buffer): void {
    if (bytes === this.held) return;
    this.held = bytes;
    this.heldView = viewOf(bytes);
  }

  /** Lets go of the bytes, which may be a part of many more. */
  forget(): void {
    this.set(NOTHING);
  }
}

const viewOf = ({ buffer, byteOffset, byteLength }: Buffer): DataView =>
  new DataView(buffer, byteOffset, byteLength);

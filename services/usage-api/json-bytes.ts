/** How a byte stands in a JSON text. */
const PLAIN = 0;
const ESCAPED = 1;
/** A control character, or part of a character outside of ASCII. */
const OTHER = 2;

const BACKSLASH = 0x5c;

const KINDS = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (byte === 0x22 || byte === BACKSLASH) return ESCAPED;
  return byte >= 0x20 && byte < 0x7f ? PLAIN : OTHER;
});

/** Room for some pages, so that it rarely grows. */
const ROOM = 1024 * 1024;

/** Writes JSON from texts that are bytes in UTF-8, without making strings of them: that takes several times as long. */
export class JsonBytes {
  private out = Buffer.allocUnsafe(ROOM);
  at = 0;

  /** Takes what has been written. */
  take(): Buffer {
    const taken = Buffer.from(this.out.subarray(0, this.at));
    this.at = 0;
    return taken;
  }

  /** Bytes that are JSON. */
  raw(json: Uint8Array): void {
    this.makeRoom(json.length);
    this.out.set(json, this.at);
    this.at += json.length;
  }

  /** A string that is JSON. */
  string(json: string): void {
    this.makeRoom(3 * json.length);
    this.at += this.out.write(json, this.at);
  }

  /**
   * What stands between the quotes of a text.
   * @param escapes 1, or 2 for a text in JSON that is itself a text in JSON
   */
  text(bytes: Buffer, start: number, end: number, escapes: 1 | 2): void {
    this.makeRoom(4 * (end - start));
    const { out } = this;
    let { at } = this;
    for (let n = start; n < end; n++) {
      const byte = bytes[n] ?? 0;
      const kind = KINDS[byte];
      if (kind === OTHER) {
        this.string(escaped(bytes.toString('utf8', start, end), escapes));
        return;
      }
      if (kind === ESCAPED) {
        // A backslash of the first time is escaped the second time, and the character itself again.
        for (let k = escapes === 1 ? 1 : 3; k > 0; k--) out[at++] = BACKSLASH;
      }
      out[at++] = byte;
    }
    this.at = at;
  }

  /** What was written from one position to another, once more. */
  again(start: number, end: number): void {
    this.makeRoom(end - start);
    this.out.copyWithin(this.at, start, end);
    this.at += end - start;
  }

  private makeRoom(bytes: number): void {
    if (this.at + bytes <= this.out.length) return;
    const larger = Buffer.allocUnsafe(2 * this.out.length + bytes);
    this.out.copy(larger, 0, 0, this.at);
    this.out = larger;
  }
}

/** The same for any text, by `JSON.stringify`. */
const escaped = (text: string, escapes: 1 | 2): string => {
  const once = JSON.stringify(text);
  // Without its quotes, which were escaped too.
  return escapes === 1 ? once.slice(1, -1) : JSON.stringify(once).slice(3, -3);
};

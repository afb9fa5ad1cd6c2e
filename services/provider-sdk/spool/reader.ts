import { join } from 'node:path';
import type { Logger } from 'pino';
import { SEGMENT_HEADER_BYTES, type NumberedRecord } from './frame.ts';
import { readRange } from './read-range.ts';
import type { Contents } from './recover.ts';
import { scanFrames } from './scan.ts';
import { setAside, type Segment } from './segment.ts';

interface Loaded {
  readonly segment: Segment;
  readonly records: readonly NumberedRecord[];
  /** The first of them that waits. */
  index: number;
  /** Up to where the segment was read, and the number that comes then. */
  readonly readTo: number;
  readonly end: number;
}

export interface ReaderOptions {
  readonly directory: string;
  readonly contents: Contents;
  readonly logger: Logger;
}

/** Reads what waits, oldest first. It keeps one segment in memory, and of the one that grows only its new part. */
export class Reader {
  private readonly options: ReaderOptions;
  private loaded: Loaded | null = null;

  constructor(options: ReaderOptions) {
    this.options = options;
  }

  /** The oldest records that wait, up to so many bytes of them, but at least one; none if nothing waits. */
  async oldest(maxBytes: number): Promise<readonly NumberedRecord[]> {
    while (this.isExhausted()) {
      if (!(await this.load())) return [];
    }
    const { records = [], index = 0 } = this.loaded ?? {};
    let bytes = 0;
    let end = index;
    for (; end < records.length; end++) {
      bytes += records[end]?.frameBytes ?? 0;
      if (bytes > maxBytes && end > index) break;
    }
    return records.slice(index, end);
  }

  /** The oldest ones are with the broker. */
  pass(count: number): void {
    const { loaded, options } = this;
    const { contents } = options;
    const passed = loaded?.records.slice(loaded.index, loaded.index + count) ?? [];
    if (!loaded || passed.length < count) {
      throw new Error(
        `${String(count)} records cannot be done: ${String(passed.length)} were given`,
      );
    }
    loaded.index += count;
    contents.sent = this.isExhausted() ? loaded.end : (passed.at(-1)?.number ?? 0) + 1;
    contents.waitingRecords -= count;
    contents.waitingBytes -= sizeOf(passed);
  }

  private isExhausted(): boolean {
    return this.loaded === null || this.loaded.index >= this.loaded.records.length;
  }

  /** Reads what comes next; false if there is nothing. */
  private async load(): Promise<boolean> {
    const { contents } = this.options;
    const { loaded } = this;
    const continued = loaded !== null && loaded.readTo < loaded.segment.readable ? loaded : null;
    const segment =
      continued?.segment ??
      contents.segments.find(
        ({ end, first }) => end > contents.sent && first >= (loaded?.end ?? 0),
      );
    if (!segment || segment.end <= contents.sent) return false;
    // Both grow while the file is being read.
    const { readable, end } = segment;
    const from = continued?.readTo ?? SEGMENT_HEADER_BYTES;
    const begin = continued?.end ?? segment.first;
    const bytes = await readRange(join(this.options.directory, segment.name), from, readable);
    const scanned = scanFrames(bytes, 0, begin);
    const records = scanned.records.filter(({ number }) => number >= contents.sent && number < end);
    if (!segment.isDamaged) {
      const lost = end - Math.max(begin, contents.sent) - records.length;
      const { unreadable } = scanned;
      if (lost > 0 || bytes.length < readable - from || unreadable.length > 0) {
        const passed = sizeOf(scanned.records.filter(({ number }) => number < contents.sent));
        await this.setAside(segment, lost, readable - from - passed - sizeOf(records));
      }
    }
    this.loaded = { segment, records, index: 0, readTo: readable, end };
    return true;
  }

  private async setAside(segment: Segment, lost: number, unreadableBytes: number): Promise<void> {
    const { contents, directory, logger } = this.options;
    contents.damaged.push(await setAside(directory, segment, lost, unreadableBytes, logger));
    contents.waitingRecords -= lost;
    contents.waitingBytes -= unreadableBytes;
  }
}

const sizeOf = (records: readonly NumberedRecord[]): number =>
  records.reduce((sum, { frameBytes }) => sum + frameBytes, 0);

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { messageOf } from '../../shared/process/errors.ts';
import { encodeFrames, SEGMENT_HEADER_BYTES, type SpooledRecord } from './frame.ts';
import type { Contents } from './recover.ts';
import type { SegmentFile, SegmentFiles } from './segment-file.ts';
import { segmentName, type Segment } from './segment.ts';

/** What is written and synced at once, in all the calls that wait. */
const GROUP_BYTES = 4 * 1024 * 1024;

interface Call {
  readonly records: readonly SpooledRecord[];
  readonly bytes: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

interface Active {
  readonly file: SegmentFile;
  readonly segment: Segment;
}

export interface AppenderOptions {
  readonly directory: string;
  readonly contents: Contents;
  /** A segment of this size is finished, and the next one begun. */
  readonly segmentBytes: number;
  readonly files: SegmentFiles;
  readonly logger: Logger;
}

/**
 * Appends records to the last segment, with group commit: what is called for while a write is being synced waits, and is
 * then written and synced in one go. A call is done when its bytes are on the disk.
 */
export class Appender {
  private readonly options: AppenderOptions;
  private readonly calls: Call[] = [];
  private active: Active | null = null;
  private running: Promise<void> | null = null;
  /** Bytes of calls that are not written yet. */
  pendingBytes = 0;

  constructor(options: AppenderOptions) {
    this.options = options;
  }

  /** The segment that grows; it is not deleted, whatever was sent of it. */
  get growing(): Segment | null {
    return this.active?.segment ?? null;
  }

  /** Goes on with the last segment of an earlier process, if there is room in it. */
  async resume(): Promise<void> {
    const { contents, directory, files, segmentBytes } = this.options;
    const segment = contents.segments.at(-1);
    if (!segment || segment.isDamaged || segment.bytes >= segmentBytes) return;
    // Numbers are consecutive within a segment, and those before the position are taken.
    if (segment.end !== contents.nextNumber) return;
    this.active = { file: await files.open(join(directory, segment.name)), segment };
  }

  append(records: readonly SpooledRecord[], bytes: number): Promise<void> {
    this.pendingBytes += bytes;
    const appended = new Promise<void>((resolve, reject) => {
      this.calls.push({ records, bytes, resolve, reject });
    });
    this.running ??= this.run();
    return appended;
  }

  async close(): Promise<void> {
    await this.running;
    await this.endSegment();
  }

  private async run(): Promise<void> {
    for (let group = this.nextGroup(); group.length > 0; group = this.nextGroup()) {
      const bytes = group.reduce((sum, call) => sum + call.bytes, 0);
      try {
        await this.writeGroup(group.flatMap(({ records }) => records));
        this.pendingBytes -= bytes;
        await this.endIfFull();
        for (const { resolve } of group) resolve();
      } catch (error) {
        this.pendingBytes -= bytes;
        for (const { reject } of group) reject(error);
      }
    }
    this.running = null;
  }

  private nextGroup(): readonly Call[] {
    let bytes = 0;
    const end = this.calls.findIndex((call) => (bytes += call.bytes) > GROUP_BYTES);
    return this.calls.splice(0, end < 0 ? this.calls.length : Math.max(end, 1));
  }

  private async writeGroup(records: readonly SpooledRecord[]): Promise<void> {
    const { contents } = this.options;
    if (this.active?.segment.isDamaged) await this.endSegment();
    const { file, segment } = (this.active ??= await this.begin());
    const frames = encodeFrames(records, contents.nextNumber);
    try {
      await file.write(frames, segment.bytes);
      await file.sync();
    } catch (error) {
      await this.undo();
      throw error;
    }
    segment.bytes += frames.length;
    segment.readable = segment.bytes;
    segment.end += records.length;
    contents.nextNumber = segment.end;
    contents.waitingRecords += records.length;
    contents.waitingBytes += frames.length;
  }

  private async endIfFull(): Promise<void> {
    const { active, options } = this;
    if (active && active.segment.bytes >= options.segmentBytes) await this.endSegment();
  }

  /** No further record goes into the segment that grows. All of it is on disk. */
  private async endSegment(): Promise<void> {
    const { active } = this;
    this.active = null;
    if (active) await this.closeFile(active);
  }

  /** What was stored is stored, whatever happens here. */
  private async closeFile({ file, segment }: Active): Promise<void> {
    await file.close().catch((error: unknown) => {
      const { logger } = this.options;
      logger.warn(
        { file: segment.name, reason: messageOf(error) },
        'a segment could not be closed',
      );
    });
  }

  private async begin(): Promise<Active> {
    const { contents, directory, files } = this.options;
    const first = contents.nextNumber;
    const name = segmentName(first);
    const file = await files.create(join(directory, name));
    const segment: Segment = {
      first,
      end: first,
      readable: SEGMENT_HEADER_BYTES,
      bytes: SEGMENT_HEADER_BYTES,
      name,
      isDamaged: false,
    };
    contents.segments.push(segment);
    return { file, segment };
  }

  /**
   * After a write or a sync that failed, nothing more is written to the same file: a system may forget what it could not
   * write, and call the next sync a success. What was stored before stays, and the next append begins a new segment.
   */
  private async undo(): Promise<void> {
    const { active, options } = this;
    this.active = null;
    if (!active) return;
    const { file, segment } = active;
    const { contents, directory, logger } = options;
    try {
      await file.truncate(segment.bytes);
    } catch (error) {
      // What remains was stored for nobody: it is recognized by its numbers, which the next segment has too.
      logger.warn(
        { file: segment.name, reason: messageOf(error) },
        'a refused append could not be cut',
      );
    }
    await this.closeFile(active);
    if (segment.end > segment.first) return;
    contents.segments.splice(contents.segments.indexOf(segment), 1);
    await rm(join(directory, segment.name), { force: true }).catch((error: unknown) => {
      logger.warn(
        { file: segment.name, reason: messageOf(error) },
        'an empty segment could not be removed',
      );
    });
  }
}

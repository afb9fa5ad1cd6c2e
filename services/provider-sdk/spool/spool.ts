import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { explainFileError, makeDirectory } from '../../shared/process/directory.ts';
import { messageOf, UserError } from '../../shared/process/errors.ts';
import { Serial } from '../../shared/process/serial.ts';
import { Appender } from './appender.ts';
import { lockDirectory, type DirectoryLock } from './directory-lock.ts';
import { frameSize, SEGMENT_HEADER_BYTES, type SpooledRecord } from './frame.ts';
import { Position, POSITION_BYTES, type PositionFile } from './position.ts';
import { Reader } from './reader.ts';
import { recover, type Contents } from './recover.ts';
import { diskFiles, type SegmentFiles } from './segment-file.ts';
import type { DamagedSegment } from './segment.ts';
import { boundReached, diskFull, neverFits, spoolIsClosed } from './spool-errors.ts';

export type { SpooledRecord } from './frame.ts';
export type { DamagedSegment } from './segment.ts';
export { SpoolFull } from './spool-errors.ts';

/**
 * Records that wait on disk for the broker, in the order in which they were appended.
 *
 * - What `append` has resolved for is on the disk: written, and flushed with `fdatasync`. Calls that come while a flush
 *   runs share the next one. When a segment is begun, its directory is flushed too. So neither SIGKILL nor a loss of power loses it,
 *   as far as the disk keeps what it has acknowledged.
 * - How far it was sent is on disk when `done` resolves. Whoever dies before sends some records twice: their ids are
 *   deterministic, so they count once.
 * - A finished segment is deleted when all of it was sent. Nothing else is ever deleted.
 * - A damaged segment is set aside under another name, and reported. What can be read of it is sent, in order.
 * - It never takes more than `maxBytes`; what does not fit is refused with `SpoolFull`.
 *
 * One process uses a directory at a time.
 */
export interface Spool {
  /**
   * Resolves when all of it is on disk.
   * @throws SpoolFull if there is no room, and none of it was stored; UserError if the disk fails: then it is not known
   * whether it was
   */
  append(records: readonly SpooledRecord[]): Promise<void>;
  /** The oldest records that were not sent, in order: so many bytes at most, but one record at least; none if nothing waits. */
  next(maxBytes: number): Promise<readonly SpooledRecord[]>;
  /**
   * The first ones of what `next` gave are with the broker. They are not given again by this process, even where
   * it throws because the disk fails; a later call stores the position too.
   */
  done(count: number): Promise<void>;
  /** Waits for what is being appended. What waits stays on disk. */
  close(): Promise<void>;
  status(): SpoolStatus;
}

export interface SpoolStatus {
  /** What is on disk and not sent yet. */
  readonly waitingRecords: number;
  readonly waitingBytes: number;
  /** What its files take, and may take. */
  readonly usedBytes: number;
  readonly maxBytes: number;
  /** What could not be read. */
  readonly damaged: readonly DamagedSegment[];
  /** The last failure of the disk, until it has worked again; null if there is none. */
  readonly problem: string | null;
}

export interface SpoolOptions {
  readonly directory: string;
  /** At least 64 KiB. */
  readonly maxBytes: number;
  readonly logger: Logger;
}

const LEAST_MAX_BYTES = 64 * 1024;
const MOST_SEGMENT_BYTES = 16 * 1024 * 1024;
/** Room comes back segment by segment, so there are several of them also in a small spool. */
const SEGMENTS = 16;
/** Of one call: Node reads files of less than 2 GiB in one piece. */
const MOST_CALL_BYTES = 1024 * 1024 * 1024;

/** What is written to. Tests put a failing disk in its place. */
interface Disk {
  readonly files: SegmentFiles;
  readonly openPosition: (path: string) => Promise<PositionFile>;
}

export const realDisk: Disk = { files: diskFiles, openPosition: (path) => Position.open(path) };

/**
 * Opens a spool, and finds what an earlier process has left in it.
 * @throws UserError if the directory cannot be used, if another process uses it, or if it is of another format
 */
export const openSpool = async (options: SpoolOptions, disk: Disk = realDisk): Promise<Spool> => {
  const { directory, maxBytes, logger } = options;
  if (!Number.isSafeInteger(maxBytes) || maxBytes < LEAST_MAX_BYTES) {
    throw new UserError(
      `The spool may take ${String(maxBytes)} bytes: give it at least ${String(LEAST_MAX_BYTES)}.`,
    );
  }
  await makeDirectory('The spool', directory);
  try {
    const lock = await lockDirectory(directory);
    try {
      const position = await disk.openPosition(join(directory, 'position'));
      const contents = await recover(directory, position, logger).catch(async (error: unknown) => {
        await position.close();
        throw error;
      });
      const spool = new DiskSpool(options, disk.files, { lock, position, contents });
      await spool.start();
      return spool;
    } catch (error) {
      await lock.release();
      throw error;
    }
  } catch (error) {
    throw explainFileError('The spool', directory, error);
  }
};

interface Parts {
  readonly lock: DirectoryLock;
  readonly position: PositionFile;
  readonly contents: Contents;
}

const isDiskFull = (error: unknown): boolean =>
  ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '');

class DiskSpool implements Spool {
  private readonly options: SpoolOptions;
  private readonly parts: Parts;
  private readonly appender: Appender;
  private readonly reader: Reader;
  private readonly serial = new Serial();
  private problem: string | null = null;
  private isClosed = false;

  constructor(options: SpoolOptions, files: SegmentFiles, parts: Parts) {
    const { directory, maxBytes, logger } = options;
    const { contents } = parts;
    this.options = options;
    this.parts = parts;
    const segmentBytes = Math.min(MOST_SEGMENT_BYTES, Math.floor(maxBytes / SEGMENTS));
    this.appender = new Appender({ directory, contents, segmentBytes, files, logger });
    this.reader = new Reader({ directory, contents, logger });
  }

  async start(): Promise<void> {
    await this.appender.resume();
    const { waitingRecords, damaged } = this.parts.contents;
    const { directory, logger } = this.options;
    if (waitingRecords > 0) {
      logger.info({ directory, waitingRecords }, 'the spool holds usage that waits to be sent');
    }
    if (damaged.length > 0) {
      logger.warn(
        { directory, damaged },
        'the spool has damaged segments: look at them, then move them elsewhere',
      );
    }
  }

  async append(records: readonly SpooledRecord[]): Promise<void> {
    if (this.isClosed) throw spoolIsClosed();
    if (records.length === 0) return;
    // Every call may begin a segment.
    const bytes = records.reduce((sum, record) => sum + frameSize(record), SEGMENT_HEADER_BYTES);
    this.checkRoom(bytes);
    try {
      await this.appender.append(records, bytes);
      this.problem = null;
    } catch (error) {
      this.problem = messageOf(error);
      throw isDiskFull(error) ? diskFull(this.options.directory, error) : this.explained(error);
    }
  }

  next(maxBytes: number): Promise<readonly SpooledRecord[]> {
    return this.serial.run(async () => {
      if (this.isClosed) throw spoolIsClosed();
      try {
        return await this.reader.oldest(maxBytes);
      } catch (error) {
        throw this.explained(error);
      }
    });
  }

  done(count: number): Promise<void> {
    return this.serial.run(async () => {
      if (this.isClosed) throw spoolIsClosed();
      this.reader.pass(count);
      try {
        await this.storePosition();
        this.problem = null;
      } catch (error) {
        this.problem = messageOf(error);
        throw this.explained(error);
      }
    });
  }

  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    await this.appender.close();
    await this.serial.run(async () => {
      await this.parts.position.close();
      await this.parts.lock.release();
    });
  }

  status(): SpoolStatus {
    const { waitingRecords, waitingBytes, damaged } = this.parts.contents;
    const { maxBytes } = this.options;
    const usedBytes = this.usedBytes();
    return {
      waitingRecords,
      waitingBytes,
      usedBytes,
      maxBytes,
      damaged: [...damaged],
      problem: this.problem,
    };
  }

  private explained(error: unknown): unknown {
    return explainFileError('The spool', this.options.directory, error);
  }

  private damagedBytes(): number {
    return this.parts.contents.damaged.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  private usedBytes(): number {
    const whole = this.parts.contents.segments.filter(({ isDamaged }) => !isDamaged);
    return whole.reduce((sum, { bytes }) => sum + bytes, POSITION_BYTES + this.damagedBytes());
  }

  /** @throws SpoolFull */
  private checkRoom(bytes: number): void {
    const { directory, maxBytes } = this.options;
    const most = Math.min(maxBytes - POSITION_BYTES, MOST_CALL_BYTES);
    if (bytes > most) throw neverFits(bytes, most);
    if (this.usedBytes() + this.appender.pendingBytes + bytes > maxBytes) {
      throw boundReached(directory, maxBytes, this.damagedBytes());
    }
  }

  /**
   * In this order: if a segment went first, nobody would know after a crash whether its records were sent or lost.
   * Only where a full disk takes no position (some file systems write nothing in place), segments make room for it.
   */
  private async storePosition(): Promise<void> {
    const { contents, position } = this.parts;
    await position.write(contents.sent).catch(async (error: unknown) => {
      if (!isDiskFull(error)) throw error;
      await this.deleteFinished();
      await position.write(contents.sent);
    });
    await this.deleteFinished();
  }

  private async deleteFinished(): Promise<void> {
    const { contents } = this.parts;
    const { growing } = this.appender;
    for (const segment of contents.segments.filter(({ end }) => end <= contents.sent)) {
      if (segment === growing) continue;
      if (!segment.isDamaged) await rm(join(this.options.directory, segment.name), { force: true });
      contents.segments.splice(contents.segments.indexOf(segment), 1);
    }
  }
}

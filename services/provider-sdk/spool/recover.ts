import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { syncDirectory } from '../../shared/process/sync-directory.ts';
import { FORMAT_VERSION, SEGMENT_HEADER_BYTES, versionOf, type NumberedRecord } from './frame.ts';
import type { PositionFile } from './position.ts';
import { readRange } from './read-range.ts';
import { scanFrames, type Scanned } from './scan.ts';
import { diskFiles } from './segment-file.ts';
import {
  segmentName,
  segmentNames,
  setAside,
  type DamagedSegment,
  type Segment,
  type SegmentName,
} from './segment.ts';
import { otherVersion } from './spool-errors.ts';

/** What is in a spool: kept by whoever appends, reads and deletes. */
export interface Contents {
  /** Those with records that wait, and the one to append to; oldest first. */
  readonly segments: Segment[];
  readonly damaged: DamagedSegment[];
  /** Every record with a lower number is with the broker, or lost. */
  sent: number;
  /** Of the next record to be appended. */
  nextNumber: number;
  waitingRecords: number;
  waitingBytes: number;
}

/**
 * Finds what a spool holds, whatever ended the process that wrote it. Every record that waits is read once.
 * @throws UserError if a file is of another format; nothing has been changed then
 */
export const recover = async (
  directory: string,
  position: PositionFile,
  logger: Logger,
): Promise<Contents> => {
  const names = segmentNames(await readdir(directory));
  for (const { name } of names) await checkVersion(directory, name);
  const oldest = names[0]?.first ?? 1;
  const sent = Math.max(position.atStart ?? oldest, 1);
  const contents: Contents = {
    segments: [],
    damaged: [],
    sent,
    nextNumber: sent,
    waitingRecords: 0,
    waitingBytes: 0,
  };
  if (position.isDoubtful) {
    logger.warn(
      { directory },
      'how far the spool was sent cannot be read exactly: some records are sent twice',
    );
  } else if (names.length > 0 && sent < oldest) {
    reportMissing(contents, { from: sent, to: oldest }, directory, logger);
  }
  for (const [index, name] of names.entries()) {
    const end = names[index + 1]?.first ?? null;
    const task = { directory, contents, logger, name, end };
    if (end !== null && end <= sent) await passFinished(task);
    else await recoverSegment(task);
  }
  return contents;
};

const checkVersion = async (directory: string, name: string): Promise<void> => {
  const version = versionOf(await readRange(join(directory, name), 0, SEGMENT_HEADER_BYTES));
  if (version !== null && version !== FORMAT_VERSION) throw otherVersion(name, version);
};

/** Somebody removed a file, or a directory was put together from two backups. */
const reportMissing = (
  { damaged }: Contents,
  { from, to }: { readonly from: number; readonly to: number },
  directory: string,
  logger: Logger,
): void => {
  const lostRecords = to - from;
  const file = segmentName(from);
  damaged.push({ file, lostRecords, bytes: 0 });
  logger.error(
    { directory, file, lostRecords },
    'a segment of the spool is gone: somebody removed it',
  );
};

interface Task {
  readonly directory: string;
  readonly contents: Contents;
  readonly logger: Logger;
  readonly name: SegmentName;
  /** The first number of the next segment; null for the last one. */
  readonly end: number | null;
}

/** All of it was sent: it is deleted, unless it was set aside. */
const passFinished = async ({ directory, contents, name }: Task): Promise<void> => {
  const path = join(directory, name.name);
  if (name.lostRecords === null) await rm(path);
  else {
    const { size: bytes } = await stat(path);
    contents.damaged.push({ file: name.name, lostRecords: name.lostRecords, bytes });
  }
};

const recoverSegment = async (task: Task): Promise<void> => {
  const { directory, contents, logger, name } = task;
  const path = join(directory, name.name);
  const { size } = await stat(path);
  const bytes = await readRange(path, 0, size);
  if (task.end === null && bytes.length < SEGMENT_HEADER_BYTES && name.lostRecords === null) {
    await rm(path);
    await syncDirectory(directory);
    logger.warn(
      { directory, file: name.name, bytes: size },
      'the last segment of the spool had just been begun: removed',
    );
    return;
  }
  const scanned = scanFrames(bytes, SEGMENT_HEADER_BYTES, name.first);
  const end = task.end ?? scanned.nextNumber;
  const waiting = scanned.records.filter(({ number }) => number >= contents.sent && number < end);
  const segment: Segment = {
    first: name.first,
    end,
    readable: scanned.recordsEnd,
    bytes: size,
    name: name.name,
    isDamaged: name.lostRecords !== null,
  };
  await judge(task, segment, scanned, waiting, versionOf(bytes) !== null);
  count(contents, waiting);
  contents.nextNumber = Math.max(contents.nextNumber, end);
  const mayGrow = task.end === null && !segment.isDamaged;
  if (waiting.length > 0 || mayGrow) contents.segments.push(segment);
};

const count = (contents: Contents, waiting: readonly NumberedRecord[]): void => {
  contents.waitingRecords += waiting.length;
  contents.waitingBytes += waiting.reduce((sum, { frameBytes }) => sum + frameBytes, 0);
};

/**
 * Decides what a segment's bytes mean.
 *
 * | What was found                                                     | Then                               |
 * | ------------------------------------------------------------------ | ---------------------------------- |
 * | set aside earlier                                                  | reported again, with what is lost  |
 * | bytes that cannot be read before a record, or records that are lost with such bytes | set aside, reported |
 * | whole, but records are lost before the next segment                | a segment is gone: reported        |
 * | the last segment, torn                                             | cut, said in the log               |
 * | bytes behind the last record, where the next segment begins with the next number | nothing: refused when they were appended |
 */
const judge = async (
  { directory, contents, logger, name, end }: Task,
  segment: Segment,
  scanned: Scanned,
  waiting: readonly NumberedRecord[],
  hasHeader: boolean,
): Promise<void> => {
  const begin = Math.max(contents.sent, segment.first);
  const lost = Math.max(segment.end - begin, 0) - waiting.length;
  const unreadable = scanned.unreadable.reduce((sum, { from, to }) => sum + to - from, 0);
  const isSpoilt =
    !hasHeader ||
    scanned.unreadable.some(({ from }) => from < scanned.recordsEnd || end === null) ||
    (lost > 0 && (unreadable > 0 || scanned.tornAt !== null));
  if (name.lostRecords !== null) {
    const { name: file, bytes } = segment;
    contents.damaged.push({ file, lostRecords: Math.max(lost, name.lostRecords), bytes });
  } else if (isSpoilt) {
    contents.damaged.push(await setAside(directory, segment, lost, unreadable, logger));
  } else if (lost > 0) {
    const from = segment.end - lost;
    reportMissing(contents, { from, to: segment.end }, directory, logger);
    segment.end = from; // it is whole itself
  } else if (end === null && scanned.tornAt !== null) {
    await cut(directory, segment, scanned.tornAt, logger);
  }
};

/** The process was ended while it appended; nobody was told that these bytes were stored. */
const cut = async (
  directory: string,
  segment: Segment,
  at: number,
  logger: Logger,
): Promise<void> => {
  const file = await diskFiles.open(join(directory, segment.name));
  try {
    await file.truncate(at);
    await file.sync();
  } finally {
    await file.close();
  }
  logger.warn(
    { directory, file: segment.name, bytes: segment.bytes - at },
    'the end of the spool was torn while it was being written: cut',
  );
  segment.bytes = at;
};

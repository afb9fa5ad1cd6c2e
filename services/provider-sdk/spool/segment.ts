import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { syncDirectory } from '../../shared/process/sync-directory.ts';

/** A file of consecutive records. It is named after the number of its first one. */
export interface Segment {
  readonly first: number;
  /** The number after that of its last record. */
  end: number;
  /** Up to where it is read: what lies beyond was never stored, or holds no record. */
  readable: number;
  /** What it takes on disk. */
  bytes: number;
  name: string;
  /** Whether it was set aside. It is read as far as it can be, and stays on disk for a person to look at. */
  isDamaged: boolean;
}

/** What could not be read. Records that are lost were neither sent nor can they be. */
export interface DamagedSegment {
  readonly file: string;
  readonly lostRecords: number;
  /** 0 for a file that is gone. */
  readonly bytes: number;
}

const DIGITS = 16;
const NAME = /^(\d{16})(?:\.(segment)|\.lost-(\d+)\.damaged)$/;

const digitsOf = (first: number): string => String(first).padStart(DIGITS, '0');

export const segmentName = (first: number): string => `${digitsOf(first)}.segment`;

/** How many records it has lost stands in its name, so that it is known after a restart, and seen in a listing. */
const damagedName = (first: number, lostRecords: number): string =>
  `${digitsOf(first)}.lost-${String(lostRecords)}.damaged`;

export interface SegmentName {
  readonly name: string;
  readonly first: number;
  /** Null for a segment that was not set aside. */
  readonly lostRecords: number | null;
}

/** The segments among the names in a directory, oldest first. */
export const segmentNames = (names: readonly string[]): readonly SegmentName[] =>
  names
    .flatMap((name): readonly SegmentName[] => {
      const [, first, isSegment, lost] = NAME.exec(name) ?? [];
      if (first === undefined) return [];
      const lostRecords = isSegment === undefined ? Number(lost) : null;
      return [{ name, first: Number(first), lostRecords }];
    })
    .sort((a, b) => a.first - b.first);

/**
 * Gives a damaged segment another name, and says so. It is never deleted here.
 * @param unreadableBytes for the log
 */
export const setAside = async (
  directory: string,
  segment: Segment,
  lostRecords: number,
  unreadableBytes: number,
  logger: Logger,
): Promise<DamagedSegment> => {
  const name = damagedName(segment.first, lostRecords);
  const isGone = await renamed(directory, segment.name, name);
  const file = isGone ? segment.name : name;
  segment.name = name;
  segment.isDamaged = true;
  logger.error(
    { directory, file, lostRecords, unreadableBytes },
    isGone
      ? 'a segment of the spool is gone: somebody removed it'
      : 'a segment of the spool is damaged and was set aside: what can be read of it is sent. Check the disk.',
  );
  return { file, lostRecords, bytes: isGone ? 0 : segment.bytes };
};

/** True if there is no such file. */
const renamed = async (directory: string, from: string, to: string): Promise<boolean> => {
  try {
    await rename(join(directory, from), join(directory, to));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true;
    throw error;
  }
  await syncDirectory(directory);
  return false;
};

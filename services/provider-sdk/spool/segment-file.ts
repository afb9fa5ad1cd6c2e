import { open, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncDirectory } from '../../shared/process/sync-directory.ts';
import { segmentHeader } from './frame.ts';

/** A segment that is being written. */
export interface SegmentFile {
  /** Writes all of it at a place; not yet safe from a loss of power. */
  write(bytes: Buffer, at: number): Promise<void>;
  /** What was written is on the disk (`fdatasync`). */
  sync(): Promise<void>;
  truncate(bytes: number): Promise<void>;
  close(): Promise<void>;
}

export interface SegmentFiles {
  /** A new segment with its header; its name survives a loss of power. */
  create(path: string): Promise<SegmentFile>;
  /** One that is there, to go on with it. */
  open(path: string): Promise<SegmentFile>;
}

const writeAll = async (handle: FileHandle, bytes: Buffer, at: number): Promise<void> => {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, at + done);
    done += bytesWritten;
  }
};

const segmentFile = (handle: FileHandle): SegmentFile => ({
  write: (bytes, at) => writeAll(handle, bytes, at),
  sync: () => handle.datasync(),
  truncate: (bytes) => handle.truncate(bytes),
  close: () => handle.close(),
});

export const diskFiles: SegmentFiles = {
  create: async (path) => {
    // What an append that was refused may have left. Nothing that was stored has this name.
    await rm(path, { force: true });
    const handle = await open(path, 'wx');
    try {
      await writeAll(handle, segmentHeader(), 0);
      await handle.datasync();
      await syncDirectory(dirname(path));
      return segmentFile(handle);
    } catch (error) {
      await handle.close();
      throw error;
    }
  },
  open: async (path) => segmentFile(await open(path, 'r+')),
};

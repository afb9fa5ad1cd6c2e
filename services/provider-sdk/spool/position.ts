import { crc32c } from '@node-rs/crc32';
import { open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncDirectory } from '../../shared/process/sync-directory.ts';
import { tryLock } from './directory-lock.ts';
import { FORMAT_VERSION } from './frame.ts';
import { otherVersion, spoolIsUsed } from './spool-errors.ts';

const MAGIC = Buffer.from('usgsent.');
const VERSION = 8;
const NUMBER = 12;
const CHECKSUM = 18;
const NUMBER_BYTES = 6;
const ENTRY_BYTES = 22;

/** A disk writes at least so many bytes at once, so a write that is torn spoils one slot alone. */
const SLOT_BYTES = 512;
const SLOTS = 2;
export const POSITION_BYTES = SLOTS * SLOT_BYTES;

type Slot =
  { readonly kind: 'empty' | 'unreadable' } | { readonly kind: 'position'; readonly sent: number };

/** How far a spool was sent. Tests put a failing disk in its place. */
export interface PositionFile {
  /** Null if it is not known: then everything that is in the spool is sent again, which does no harm. */
  readonly atStart: number | null;
  /** Whether a part of the file could not be read: it may have been sent further. */
  readonly isDoubtful: boolean;
  /** It is on disk when this is done. */
  write(sent: number): Promise<void>;
  close(): Promise<void>;
}

/**
 * The number below which every record is with the broker, in a file of two slots that are written in turn: one of them
 * is always whole. They are overwritten in place, which works on a disk that is full.
 */
export class Position implements PositionFile {
  private readonly file: FileHandle;
  private slot: number;

  readonly atStart: number | null;
  readonly isDoubtful: boolean;

  private constructor(file: FileHandle, slots: readonly Slot[]) {
    this.file = file;
    const sent = slots.map((slot) => (slot.kind === 'position' ? slot.sent : -1));
    const highest = Math.max(...sent);
    this.atStart = highest < 0 ? null : highest;
    this.slot = sent.indexOf(highest);
    this.isDoubtful = slots.some(({ kind }) => kind === 'unreadable');
  }

  static async open(path: string): Promise<Position> {
    const file = await open(path, 'a+').then(async (made) => {
      await made.close(); // "a+" makes it, but writes at its end alone
      return open(path, 'r+');
    });
    try {
      // Somebody may have removed the file `lock`, taking it for a left-over: the directory is in use all the same.
      if (!tryLock(file)) throw spoolIsUsed(dirname(path));
      const bytes = Buffer.alloc(POSITION_BYTES);
      const { bytesRead } = await file.read(bytes, 0, POSITION_BYTES, 0);
      if (bytesRead < POSITION_BYTES) {
        await file.write(bytes, bytesRead, POSITION_BYTES - bytesRead, bytesRead);
        await file.sync();
        await syncDirectory(dirname(path));
      }
      return new Position(file, [readSlot(bytes, 0), readSlot(bytes, 1)]);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  async write(sent: number): Promise<void> {
    const entry = Buffer.alloc(ENTRY_BYTES);
    MAGIC.copy(entry);
    entry.writeUInt32BE(FORMAT_VERSION, VERSION);
    entry.writeUIntBE(sent, NUMBER, NUMBER_BYTES);
    entry.writeUInt32BE(crc32c(entry.subarray(0, CHECKSUM)), CHECKSUM);
    const next = (this.slot + 1) % SLOTS;
    await this.file.write(entry, 0, ENTRY_BYTES, next * SLOT_BYTES);
    await this.file.datasync();
    this.slot = next;
  }

  close(): Promise<void> {
    return this.file.close();
  }
}

const readSlot = (bytes: Buffer, slot: number): Slot => {
  const entry = bytes.subarray(slot * SLOT_BYTES, slot * SLOT_BYTES + ENTRY_BYTES);
  if (entry.every((byte) => byte === 0)) return { kind: 'empty' };
  const isWhole =
    entry.subarray(0, MAGIC.length).equals(MAGIC) &&
    entry.readUInt32BE(CHECKSUM) === crc32c(entry.subarray(0, CHECKSUM));
  if (!isWhole) return { kind: 'unreadable' };
  const version = entry.readUInt32BE(VERSION);
  if (version !== FORMAT_VERSION) throw otherVersion('position', version);
  return { kind: 'position', sent: entry.readUIntBE(NUMBER, NUMBER_BYTES) };
};

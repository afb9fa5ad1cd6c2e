import { UserError } from '../../shared/process/errors.ts';
import { FORMAT_VERSION } from './frame.ts';

/** The spool has no room for what was to be appended, and holds none of it. What it held is still there. */
export class SpoolFull extends UserError {}

const MEBIBYTE = 1024 * 1024;

const sizeText = (bytes: number): string =>
  bytes < MEBIBYTE ? `${String(bytes)} bytes` : `${(bytes / MEBIBYTE).toFixed(1)} MiB`;

export const boundReached = (
  directory: string,
  maxBytes: number,
  damagedBytes: number,
): SpoolFull =>
  new SpoolFull(
    `The spool in ${directory} is full: its files take the ${sizeText(maxBytes)} that it may have. Nothing of this ` +
      'usage was stored. Report it again once Kafka is back and the spool has sent what it holds, or raise its bound.' +
      (damagedBytes > 0
        ? ` Damaged segments that were set aside take ${sizeText(damagedBytes)} of it: move them elsewhere.`
        : ''),
  );

export const diskFull = (directory: string, cause: unknown): SpoolFull =>
  new SpoolFull(
    `The disk of the spool in ${directory} is full. Nothing of this usage was stored: make room, and report it again.`,
    { cause },
  );

export const neverFits = (bytes: number, bound: number): SpoolFull =>
  new SpoolFull(
    `Usage that takes ${sizeText(bytes)} at once never fits into a spool that takes ${sizeText(bound)}: ` +
      'report it in smaller parts, or raise the bound of the spool.',
  );

export const otherVersion = (file: string, version: number): UserError =>
  new UserError(
    `The spool has a file of format ${String(version)} (${file}), and this version reads format ${String(FORMAT_VERSION)}: ` +
      'let the version that wrote it send what it holds, or choose another directory.',
  );

export const spoolIsUsed = (directory: string): UserError =>
  new UserError(
    `Another process uses the spool in ${directory}: end it, or give each process a directory of its own.`,
  );

export const spoolIsClosed = (): Error => new Error('the spool is closed');

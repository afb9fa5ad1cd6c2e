import { isoText, millis } from '../../shared/time.ts';

/** Refused records hold whatever their sender liked: nothing of it may steer a terminal. */
export const printable = (text: string, maxLength = Infinity): string => {
  const shown = text.replace(
    /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\\]/g,
    (char) =>
      char === '\\' ? '\\\\' : `\\u${(char.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  );
  return shown.length > maxLength ? `${shown.slice(0, maxLength - 1)}…` : shown;
};

/** The last instant that a JavaScript date can name. */
const LAST_INSTANT = 8.64e15;

/** An instant in ISO 8601; its exact number where there is no such date. */
export const instantText = (instant: number | bigint): string =>
  instant <= LAST_INSTANT && instant >= -LAST_INSTANT
    ? isoText(millis(Number(instant)))
    : `${String(instant)} ms`;

const BYTES_PER_LINE = 16;

/** The bytes as a hex dump: offset, sixteen bytes, and those of them that are ASCII. */
export const hexDump = (bytes: Uint8Array, maxBytes = Infinity): string => {
  const shown = bytes.subarray(0, Math.min(bytes.length, maxBytes));
  const lines: string[] = [];
  for (let at = 0; at < shown.length; at += BYTES_PER_LINE) {
    const line = [...shown.subarray(at, at + BYTES_PER_LINE)];
    const hex = line.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const ascii = line
      .map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.'))
      .join('');
    lines.push(`${at.toString(16).padStart(8, '0')}  ${hex.padEnd(47)}  ${ascii}`);
  }
  if (shown.length < bytes.length) {
    lines.push(`… ${String(bytes.length - shown.length)} bytes more`);
  }
  return lines.join('\n');
};

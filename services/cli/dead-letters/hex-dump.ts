const BYTES_PER_LINE = 16;

/** The bytes as a hex dump: offset, sixteen bytes, and their ASCII characters. */
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
    lines.push(`… ${String(bytes.length - shown.length)} more`);
  }
  return lines.join('\n');
};

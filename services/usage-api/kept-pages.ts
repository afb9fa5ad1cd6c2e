import lz4 from 'lz4-napi';
import type { RowKey } from './continuation-token.ts';
import type { PageText } from './page-text.ts';

/** The most bytes that are kept: some 2,000 pages as they usually are, which compress to a twentieth. */
const MAX_BYTES = 64 * 1024 * 1024;

/** What a page takes besides its rows and its name. */
const OVERHEAD_BYTES = 512;

interface KeptPage extends Omit<PageText, 'list'> {
  readonly packed: Buffer;
  readonly bytes: number;
}

/**
 * Keeps pages that were read, for callers that go on to the next page, or read the same answer. They are kept
 * compressed, under the digest of their answer (`answerDigest`): rows of closed hours change only by a restatement,
 * and then the answer has another digest. Pages that nobody has asked for longest go first.
 */
export class KeptPages {
  private readonly kept = new Map<string, KeptPage>();
  private bytes = 0;
  private readonly maxBytes: number;

  constructor(maxBytes = MAX_BYTES) {
    this.maxBytes = maxBytes;
  }

  get(name: string): PageText | null {
    const page = this.kept.get(name);
    if (page === undefined) return null;
    this.kept.delete(name);
    this.kept.set(name, page); // behind all others
    const { rows, end, packed } = page;
    return { rows, end, list: lz4.uncompressSync(packed) };
  }

  keep(name: string, { rows, end, list }: PageText): void {
    const packed = lz4.compressSync(list);
    const bytes = packed.length + 2 * name.length + OVERHEAD_BYTES;
    if (bytes > this.maxBytes) return;
    this.drop(name);
    this.kept.set(name, { rows, end, packed, bytes });
    this.bytes += bytes;
    for (const oldest of this.kept.keys()) {
      if (this.bytes <= this.maxBytes) break;
      this.drop(oldest);
    }
  }

  private drop(name: string): void {
    this.bytes -= this.kept.get(name)?.bytes ?? 0;
    this.kept.delete(name);
  }
}

/** The name of the page after a key; of the first one without it. */
export const pageName = (digest: string, after: RowKey | null): string =>
  JSON.stringify([
    digest,
    ...(after === null
      ? []
      : [after.usageStart, after.subscriptionKey, after.meterKey, after.resourceKey]),
  ]);

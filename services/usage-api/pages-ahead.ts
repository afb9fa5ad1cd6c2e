import type { RowKey } from './continuation-token.ts';
import type { UsageRow } from './usage-row.ts';

/** Pages that are read at once when a caller continues from one page to the next. */
export const PAGES_AT_ONCE = 4;

/** The most pages that are kept, each of about 1 MB. The oldest page is dropped first. */
const MAX_HELD = 48;

/**
 * Keeps pages that were read together with an earlier page until their caller asks for them. Each page is
 * returned once. Pages are kept under the digest of their answer (`answerDigest`): rows of closed hours
 * change only by a restatement, and then the answer has another digest.
 */
export class PagesAhead {
  private readonly held = new Map<string, readonly UsageRow[]>();
  private readonly maxHeld: number;

  constructor(maxHeld = MAX_HELD) {
    this.maxHeld = maxHeld;
  }

  /** The page after a key, with the row after it if there is one; null if the page is not kept. */
  take(digest: string, after: RowKey): readonly UsageRow[] | null {
    const name = nameOf(digest, after);
    const page = this.held.get(name) ?? null;
    this.held.delete(name);
    return page;
  }

  /**
   * Returns the first page with the row after it, and keeps the other pages.
   * @param rows the rows of `PAGES_AT_ONCE` pages and the row after them, or fewer if there are no more
   */
  split(digest: string, rows: readonly UsageRow[], pageRows: number): readonly UsageRow[] {
    for (let n = 1; n < PAGES_AT_ONCE; n++) {
      const last = rows[n * pageRows - 1];
      const page = rows.slice(n * pageRows, (n + 1) * pageRows + 1);
      if (!last || page.length === 0) break;
      this.held.set(nameOf(digest, last), page);
    }
    for (const oldest of this.held.keys()) {
      if (this.held.size <= this.maxHeld) break;
      this.held.delete(oldest);
    }
    return rows.slice(0, pageRows + 1);
  }
}

const nameOf = (digest: string, key: RowKey): string =>
  JSON.stringify([digest, key.usageStart, key.subscriptionKey, key.meterKey, key.resourceKey]);

import type { RowKey } from './continuation-token.ts';
import type { UsageRow } from './usage-row.ts';

/** So many pages are read at once where a caller goes on from one page to the next. */
export const PAGES_AT_ONCE = 4;

/** Pages that are held at most, each of some 1 MB. The oldest leaves first. */
const MAX_HELD = 48;

/**
 * Pages that were read together with the one before them, until their caller comes for them. Each is handed out
 * once. They are held under the digest of their answer (`answerDigest`): rows of closed hours change
 * by a restatement only, and then the answer has another digest.
 */
export class PagesAhead {
  private readonly held = new Map<string, readonly UsageRow[]>();
  private readonly maxHeld: number;

  constructor(maxHeld = MAX_HELD) {
    this.maxHeld = maxHeld;
  }

  /** The page behind a key, with the row after it where there is one; null where it is not held. */
  take(digest: string, after: RowKey): readonly UsageRow[] | null {
    const name = nameOf(digest, after);
    const page = this.held.get(name) ?? null;
    this.held.delete(name);
    return page;
  }

  /**
   * The first page, with the row after it; holds the other ones.
   * @param rows of `PAGES_AT_ONCE` pages and the row after them, or fewer where there are no more
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

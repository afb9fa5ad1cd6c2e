import type { RowKey } from './continuation-token.ts';
import type { UsageRow } from './usage-row.ts';

/** Pages that are read at once when a caller continues from one page to the next. */
export const PAGES_AT_ONCE = 4;

/** The most pages that are kept, each of about 1 MB. The oldest page is dropped first. */
const MAX_HELD = 48;

/** The most characters of texts in them: with the longest tags a page has 130 million. */
const MAX_CHARACTERS = 64 * 1024 * 1024;

const charactersOf = (rows: readonly UsageRow[]): number => {
  let sum = 0;
  for (const { resourceKey, resourceUri, location, tags, additionalInfo } of rows) {
    sum += resourceKey.length + resourceUri.length + location.length;
    sum += (tags?.length ?? 0) + (additionalInfo?.length ?? 0);
  }
  return sum;
};

interface HeldPage {
  readonly rows: readonly UsageRow[];
  readonly characters: number;
}

/**
 * Keeps pages that were read together with an earlier page until their caller asks for them. Each page is
 * returned once. Pages are kept under the digest of their answer (`answerDigest`): rows of closed hours
 * change only by a restatement, and then the answer has another digest.
 */
export class PagesAhead {
  private readonly held = new Map<string, HeldPage>();
  private characters = 0;
  private readonly maxHeld: number;
  private readonly maxCharacters: number;

  constructor(maxHeld = MAX_HELD, maxCharacters = MAX_CHARACTERS) {
    this.maxHeld = maxHeld;
    this.maxCharacters = maxCharacters;
  }

  /** The page after a key, with the row after it if there is one; null if the page is not kept. */
  take(digest: string, after: RowKey): readonly UsageRow[] | null {
    return this.drop(nameOf(digest, after))?.rows ?? null;
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
      this.hold(nameOf(digest, last), page);
    }
    for (const oldest of this.held.keys()) {
      if (this.held.size <= this.maxHeld && this.characters <= this.maxCharacters) break;
      this.drop(oldest);
    }
    return rows.slice(0, pageRows + 1);
  }

  private hold(name: string, rows: readonly UsageRow[]): void {
    this.drop(name);
    const characters = charactersOf(rows);
    this.held.set(name, { rows, characters });
    this.characters += characters;
  }

  private drop(name: string): HeldPage | undefined {
    const page = this.held.get(name);
    if (page === undefined) return undefined;
    this.held.delete(name);
    this.characters -= page.characters;
    return page;
  }
}

const nameOf = (digest: string, key: RowKey): string =>
  JSON.stringify([digest, key.usageStart, key.subscriptionKey, key.meterKey, key.resourceKey]);

/** What a caller has left after a read. */
export interface ReadGrant {
  /** Whole reads that the caller may make at once. */
  readonly remaining: number;
  /** Null if the read may be made; otherwise when the next one may. */
  readonly retryAfterSeconds: number | null;
}

interface Bucket {
  readonly reads: number;
  /** When the number was right, in milliseconds since 1970. */
  readonly at: number;
}

const HOUR_MILLIS = 3_600_000;

/** Callers with a whole allowance need no bucket, so this many are enough. */
const MAX_BUCKETS = 10_000;

/**
 * A bound on the reads of each caller, so that one of them cannot use up the database. A caller may make an
 * hour's reads at once, and gets them back evenly over an hour.
 */
export class ReadLimit {
  private readonly buckets = new Map<string, Bucket>();
  private readonly readsAnHour: number;
  private readonly maxBuckets: number;

  constructor(readsAnHour: number, maxBuckets = MAX_BUCKETS) {
    this.readsAnHour = readsAnHour;
    this.maxBuckets = maxBuckets;
  }

  /** Counts a read, unless the caller has none left. */
  take(caller: string, now: number): ReadGrant {
    const reads = this.readsOf(caller, now);
    const isGranted = reads >= 1;
    const left = isGranted ? reads - 1 : reads;
    this.buckets.delete(caller);
    this.buckets.set(caller, { reads: left, at: now }); // behind all others
    this.forgetOldest();
    return {
      remaining: Math.floor(left),
      retryAfterSeconds: isGranted
        ? null
        : Math.ceil(((1 - reads) * HOUR_MILLIS) / this.readsAnHour / 1000),
    };
  }

  private readsOf(caller: string, now: number): number {
    const bucket = this.buckets.get(caller);
    if (bucket === undefined) return this.readsAnHour;
    const gained = (Math.max(0, now - bucket.at) * this.readsAnHour) / HOUR_MILLIS;
    return Math.min(this.readsAnHour, bucket.reads + gained);
  }

  private forgetOldest(): void {
    for (const oldest of this.buckets.keys()) {
      if (this.buckets.size <= this.maxBuckets) break;
      this.buckets.delete(oldest);
    }
  }
}

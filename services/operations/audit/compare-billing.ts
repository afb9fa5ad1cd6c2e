import type { ClickHouseClient } from '@clickhouse/client';
import { meterTerms, termsOf } from '../../shared/billing/billing-terms.ts';
import { readTerms, type StoredTerms } from '../../shared/billing/terms-table.ts';
import { formatQuantity } from '../../shared/model/decimal.ts';
import { asciiLower } from '../../shared/model/placement.ts';
import type { Source, SourcePartition } from '../../shared/model/source.ts';
import { hourOf, isoText, millis, type Hour } from '../../shared/model/time.ts';
import { readSources } from '../../shared/sources/register.ts';
import { submissionProblems, type Carried, type Submission } from './compare-submission.ts';
import type { CountedHour } from './counted-window.ts';
import { contradiction, type Differences } from './differences.ts';
import { owedOf, sumKey, type OwedSum, type TermsInForce } from './owed-hour.ts';
import { inOrder, StoredBilling, type Composition } from './stored-billing.ts';
import { TurnsToBill } from './turns-to-bill.ts';
import type { Span } from './window-rows.ts';

/** The number of closed hours and submissions of a partition that were compared. */
export interface BillingCounts {
  composed: number;
  /** Closed hours that the bridge has not composed yet, because it lags or does not run. */
  waiting: number;
  submissions: number;
}

/** What is stored for an hour. */
interface StoredHour {
  readonly composition: Composition;
  readonly submissions: readonly Submission[];
  readonly unbilled: readonly string[];
}

const COMPOSITION_COLUMNS = [
  'aggregates',
  'submitted',
  'submissions',
  'to_send',
  'carries',
  'terms',
];

/**
 * Compares what the bridge composed from a partition's closed hours with the sums of the log. This is a
 * second path from the log to the bill, which does not use windows or aggregates.
 */
export class BillingComparison {
  private readonly stored: StoredBilling;
  private readonly at: SourcePartition;
  private readonly source: Source;
  private readonly differences: Differences;
  private readonly terms: readonly StoredTerms[];
  private readonly inForce: ReadonlyMap<Hour, TermsInForce>;
  private readonly lastComposed: number;
  private readonly turns: TurnsToBill;
  readonly counts: BillingCounts = { composed: 0, waiting: 0, submissions: 0 };

  private constructor(
    stored: StoredBilling,
    at: SourcePartition,
    source: Source,
    differences: Differences,
    known: {
      readonly terms: readonly StoredTerms[];
      readonly lastComposed: number;
      readonly turns: TurnsToBill;
    },
  ) {
    this.stored = stored;
    this.at = at;
    this.source = source;
    this.differences = differences;
    this.terms = known.terms;
    this.lastComposed = known.lastComposed;
    this.turns = known.turns;
    this.inForce = new Map(
      known.terms.map((terms) => [terms.effectiveFrom, { terms, meters: meterTerms(terms) }]),
    );
  }

  static async open(
    client: ClickHouseClient,
    at: SourcePartition,
    source: Source,
    differences: Differences,
  ): Promise<BillingComparison> {
    const stored = new StoredBilling(client, at);
    const lastComposed = await stored.lastComposed();
    const terms = await readTerms(client);
    const turns = new TurnsToBill(await readSources(client));
    return new BillingComparison(stored, at, source, differences, { terms, lastComposed, turns });
  }

  /** Compares closed hours. Hours without windows are not in `counted`. */
  async compare({ from, end }: Span, counted: readonly CountedHour[]): Promise<void> {
    const { hourMillis } = this.source;
    const first = Math.max(from, this.source.firstHour);
    const compositions = await this.stored.compositions({ from: first, end });
    const { byHour, strayOutcomes } = await this.stored.submissions({ from: first, end });
    for (const { submissionId, hour, kind } of strayOutcomes) {
      this.differ(hour, submissionId, `outcome is ${kind}, and there is no submission`);
    }
    const carried = await this.stored.carried([...byHour.values()].flat());
    const unbilled = await this.stored.unbilled({ from: first, end });
    const windows = new Map(counted.map((each) => [each.hour, each]));
    for (let hour = first; hour < end; hour += hourMillis) {
      const composition = compositions.get(hour);
      if (composition === undefined) {
        if (hour < this.lastComposed) this.differ(hour, '', 'is not composed, and later ones are');
        else this.counts.waiting++;
        continue;
      }
      this.counts.composed++;
      const stored = {
        composition,
        submissions: byHour.get(hour) ?? [],
        unbilled: unbilled.get(hour) ?? [],
      };
      this.compareHour(hour as Hour, windows.get(hour), stored, carried);
    }
  }

  /**
   * Finds hours that must not be composed but are: the source does not cover them, or they are not over.
   */
  async compareOthers(): Promise<void> {
    const { firstHour, lastHour, hourMillis } = this.source;
    const last = lastHour ?? hourOf(millis(Date.now()), hourMillis);
    for (const span of [
      { from: 0, end: firstHour },
      { from: last + hourMillis, end: 0xffff_ffff * 1000 },
    ]) {
      for (const hour of (await this.stored.compositions(span)).keys()) {
        this.differ(hour, '', 'is composed, and is no closed hour of the source');
      }
    }
  }

  private compareHour(
    hour: Hour,
    counted: CountedHour | undefined,
    { composition, submissions, unbilled }: StoredHour,
    carried: ReadonlyMap<string, Carried>,
  ): void {
    const terms = termsOf(this.terms, hour);
    const inForce = terms && this.inForce.get(terms.effectiveFrom);
    if (!inForce) {
      this.differ(hour, '', 'is composed, and no billing terms hold for it');
      return;
    }
    const owed = owedOf(this.at, this.source, hour, counted, inForce);
    const problem = contradiction(
      COMPOSITION_COLUMNS,
      [
        owed.aggregates,
        owed.submitted,
        submissions.length,
        submissions.filter((each) => each.decision === 'send').length,
        inOrder(submissions.flatMap(({ carries }) => carries)),
        terms.effectiveFrom,
      ],
      Object.values(composition),
    );
    if (problem) this.differ(hour, '', `of the composition, ${problem}`);
    this.compareSubmissions(hour, submissions, owed.sums, inForce, carried);
    const missing = owed.unbilled.filter((text) => !unbilled.includes(text));
    const wrong = unbilled.filter((text) => !owed.unbilled.includes(text));
    for (const text of missing) this.differ(hour, text, 'is not in unbilled_usage');
    for (const text of wrong) this.differ(hour, text, 'is in unbilled_usage, and not in the log');
  }

  private compareSubmissions(
    hour: Hour,
    submissions: readonly Submission[],
    owed: ReadonlyMap<string, OwedSum>,
    inForce: TermsInForce,
    carried: ReadonlyMap<string, Carried>,
  ): void {
    const missing = new Map(owed);
    for (const each of submissions) {
      this.counts.submissions++;
      const key = sumKey(each.resourceKey, each.dimensionKey);
      const sum = missing.get(key);
      missing.delete(key);
      const problems = submissionProblems(each, {
        at: this.at,
        hour,
        usage: sum ?? null,
        carries: each.carries.flatMap((id) => carried.get(id) ?? []),
        inForce,
        isElsewhere: this.turns.isElsewhere(this.source, each.resourceKey, hour),
      });
      const name = `${each.resourceKey} ${each.dimensionKey}`;
      for (const text of problems) this.differ(hour, name, text);
    }
    for (const { resourceKey, dimension, quantity } of missing.values()) {
      this.differ(
        hour,
        `${resourceKey} ${asciiLower(dimension.dimension)}`,
        `is not submitted, recounted ${formatQuantity(quantity)}`,
      );
    }
  }

  private differ(hour: number, row: string, problem: string): void {
    const name = `reported ${isoText(millis(hour))} ${row}`.trimEnd();
    this.differences.add(this.at, 'billing', name, problem);
  }
}

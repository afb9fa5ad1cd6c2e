import type { ClickHouseClient } from '@clickhouse/client';
import { meterTerms, termsOf, type MeterTerms } from '../../shared/billing/billing-terms.ts';
import { readTerms, type StoredTerms } from '../../shared/billing/terms-table.ts';
import {
  addQuantities,
  formatQuantity,
  parseQuantity,
  ZERO,
  type Quantity,
} from '../../shared/decimal.ts';
import type { Source, SourcePartition } from '../../shared/source.ts';
import { isoText, millis, type Hour } from '../../shared/time.ts';
import type { Span } from './compare-windows.ts';
import type { Differences } from './differences.ts';
import type { CountedHour } from './recount.ts';
import { instant, OF_PARTITION, partitionParams, storedRows } from './stored-rows.ts';

/** How many closed hours and submissions of a partition were compared. */
export interface BillingCounts {
  composed: number;
  /** Closed hours that the bridge has not composed yet: it is behind, or does not run. */
  waiting: number;
  submissions: number;
}

interface Submission {
  readonly id: string;
  readonly hour: number;
  readonly resourceKey: string;
  readonly dimensionKey: string;
  readonly quantity: Quantity;
  readonly disposition: string;
  readonly carries: readonly string[];
  readonly outcome: string | null;
  readonly accepted: string | null;
}

/** What one resource and meter come to in one hour. */
interface Owed {
  readonly resourceKey: string;
  readonly meterKey: string;
  quantity: Quantity;
}

const IDS_PER_QUERY = 500;

const exactly = (text: string): Quantity => parseQuantity(text) ?? ZERO;

/**
 * Compares what the bridge composed of a partition's closed hours with what the log comes to: another
 * way from the log to the bill than through windows and aggregates.
 */
export class BillingComparison {
  private readonly client: ClickHouseClient;
  private readonly at: SourcePartition;
  private readonly source: Source;
  private readonly differences: Differences;
  private readonly terms: readonly StoredTerms[];
  private readonly meters: ReadonlyMap<Hour, ReadonlyMap<string, MeterTerms>>;
  private readonly lastComposed: number;
  readonly counts: BillingCounts = { composed: 0, waiting: 0, submissions: 0 };

  private constructor(
    client: ClickHouseClient,
    at: SourcePartition,
    source: Source,
    differences: Differences,
    stored: { readonly terms: readonly StoredTerms[]; readonly lastComposed: number },
  ) {
    this.client = client;
    this.at = at;
    this.source = source;
    this.differences = differences;
    this.terms = stored.terms;
    this.lastComposed = stored.lastComposed;
    this.meters = new Map(stored.terms.map((each) => [each.effectiveFrom, meterTerms(each)]));
  }

  static async open(
    client: ClickHouseClient,
    at: SourcePartition,
    source: Source,
    differences: Differences,
  ): Promise<BillingComparison> {
    let lastComposed = -1;
    for await (const [count, last] of storedRows(
      client,
      `SELECT count(), max(${instant('reported_hour')}) FROM compositions AS t WHERE ${OF_PARTITION}`,
      partitionParams(at),
    )) {
      if (Number(count) > 0) lastComposed = Number(last);
    }
    const terms = await readTerms(client);
    return new BillingComparison(client, at, source, differences, { terms, lastComposed });
  }

  /** Compares closed hours; those without windows are not among the counted ones. */
  async compare({ from, end }: Span, counted: readonly CountedHour[]): Promise<void> {
    const { hourMillis } = this.source;
    const first = Math.max(from, this.source.firstHour);
    const compositions = await this.compositions({ from: first, end });
    const submissions = await this.submissions({ from: first, end });
    const carried = await this.quantitiesOf([...submissions.values()].flat());
    const windows = new Map(counted.map((each) => [each.hour, each]));
    for (let hour = first; hour < end; hour += hourMillis) {
      const aggregates = compositions.get(hour);
      if (aggregates === undefined) {
        if (hour < this.lastComposed) this.differ(hour, '', 'is not composed, and later ones are');
        else this.counts.waiting++;
        continue;
      }
      this.counts.composed++;
      const found = submissions.get(hour) ?? [];
      this.compareHour(hour as Hour, windows.get(hour), aggregates, found, carried);
    }
  }

  private compareHour(
    hour: Hour,
    counted: CountedHour | undefined,
    aggregates: number,
    submissions: readonly Submission[],
    carried: ReadonlyMap<string, Quantity>,
  ): void {
    const terms = termsOf(this.terms, hour);
    if (!terms) {
      this.differ(hour, '', 'is composed, and no billing terms hold for it');
      return;
    }
    const meters = this.meters.get(terms.effectiveFrom) ?? new Map<string, MeterTerms>();
    const windows = [...(counted?.windows.values() ?? [])];
    const groups = new Set(
      windows.map((each) => [each.subscriptionKey, each.meterKey, each.resourceKey].join('\0')),
    );
    if (groups.size !== aggregates) {
      this.differ(
        hour,
        '',
        `was composed of ${String(aggregates)} aggregates, recounted ${String(groups.size)}`,
      );
    }
    const owed = new Map<string, Owed>();
    for (const { meterKey, resourceKey, quantity } of this.source.billable ? windows : []) {
      if (meters.get(meterKey)?.billable === false) continue;
      const key = `${resourceKey}\0${meterKey}`;
      const sum = owed.get(key);
      if (sum) sum.quantity = addQuantities(sum.quantity, quantity);
      else owed.set(key, { resourceKey, meterKey, quantity });
    }
    for (const each of submissions) {
      this.counts.submissions++;
      const key = `${each.resourceKey}\0${each.dimensionKey}`;
      const name = `${each.resourceKey} ${each.dimensionKey}`;
      const sum = owed.get(key);
      owed.delete(key);
      if (!sum && each.carries.length === 0) {
        this.differ(hour, name, 'is submitted, and the log has nothing of it that is billed');
        continue;
      }
      const quantity = each.carries
        .map((id) => carried.get(id) ?? ZERO)
        .reduce(addQuantities, sum?.quantity ?? ZERO);
      if (quantity !== each.quantity) {
        this.differ(
          hour,
          name,
          `quantity is ${formatQuantity(each.quantity)}, recounted ${formatQuantity(quantity)}`,
        );
      }
      const disposition =
        each.quantity === 0n
          ? 'zero'
          : terms.reporting !== 'on'
            ? 'not-reported'
            : meters.has(each.dimensionKey)
              ? 'send'
              : 'held';
      if (disposition !== each.disposition) {
        this.differ(hour, name, `disposition is ${each.disposition}, recounted ${disposition}`);
      }
      if (each.outcome === 'mismatch') {
        this.differ(hour, name, `Commerce holds another quantity: ${String(each.accepted)}`);
      } else if (
        (each.outcome === 'accepted' || each.outcome === 'duplicate') &&
        exactly(each.accepted ?? '0') !== each.quantity
      ) {
        this.differ(
          hour,
          name,
          `quantity is ${formatQuantity(each.quantity)}, accepted ${String(each.accepted)}`,
        );
      }
    }
    for (const { resourceKey, meterKey, quantity } of owed.values()) {
      this.differ(
        hour,
        `${resourceKey} ${meterKey}`,
        `is not submitted, recounted ${formatQuantity(quantity)}`,
      );
    }
  }

  private differ(hour: number, row: string, problem: string): void {
    const name = `reported ${isoText(millis(hour))} ${row}`.trimEnd();
    this.differences.add(this.at, 'billing', name, problem);
  }

  /** How many aggregates were in each hour that is composed. */
  private async compositions(span: Span): Promise<ReadonlyMap<number, number>> {
    const found = new Map<number, number>();
    for await (const [hour, aggregates] of this.rows(
      `SELECT ${instant('reported_hour')}, t.aggregates FROM compositions AS t FINAL`,
      span,
    )) {
      found.set(Number(hour), Number(aggregates));
    }
    return found;
  }

  private async submissions(span: Span): Promise<ReadonlyMap<number, readonly Submission[]>> {
    const outcomes = new Map<string, readonly [string, string | null]>();
    for await (const [id, outcome, accepted] of this.rows(
      `SELECT toString(t.submission_id), t.outcome, toString(t.accepted_quantity)
       FROM commerce_outcomes AS t FINAL`,
      span,
    )) {
      outcomes.set(String(id), [String(outcome), accepted as string | null]);
    }
    const found = new Map<number, Submission[]>();
    for await (const row of this.rows(
      `SELECT toString(t.submission_id), ${instant('reported_hour')}, t.resource_key,
         t.dimension_key, toString(t.quantity), t.disposition,
         arrayStringConcat(arrayMap(id -> toString(id), t.carries), ' ')
       FROM commerce_submissions AS t FINAL`,
      span,
    )) {
      const [id, hour, resourceKey, dimensionKey, quantity, disposition, carries] = row;
      const [outcome, accepted] = outcomes.get(String(id)) ?? [null, null];
      const submission: Submission = {
        id: String(id),
        hour: Number(hour),
        resourceKey: String(resourceKey),
        dimensionKey: String(dimensionKey),
        quantity: exactly(String(quantity)),
        disposition: String(disposition),
        carries: String(carries).split(' ').filter(Boolean),
        outcome,
        accepted,
      };
      const ofHour = found.get(submission.hour);
      if (ofHour) ofHour.push(submission);
      else found.set(submission.hour, [submission]);
    }
    return found;
  }

  private rows(query: string, { from, end }: Span): AsyncGenerator<readonly unknown[]> {
    return storedRows(
      this.client,
      `${query} WHERE ${OF_PARTITION} AND t.reported_hour >= toDateTime({from:UInt32}, 'UTC')
         AND t.reported_hour < toDateTime({end:UInt32}, 'UTC')`,
      { ...partitionParams(this.at), from: from / 1000, end: end / 1000 },
    );
  }

  /** The quantities of submissions that are carried. */
  private async quantitiesOf(
    submissions: readonly Submission[],
  ): Promise<ReadonlyMap<string, Quantity>> {
    const ids = [...new Set(submissions.flatMap(({ carries }) => carries))];
    const quantities = new Map<string, Quantity>();
    for (let from = 0; from < ids.length; from += IDS_PER_QUERY) {
      for await (const [id, quantity] of storedRows(
        this.client,
        `SELECT toString(t.submission_id), toString(t.quantity) FROM commerce_submissions AS t FINAL
         WHERE t.submission_id IN {ids:Array(UUID)}`,
        { ids: ids.slice(from, from + IDS_PER_QUERY) },
      )) {
        quantities.set(String(id), exactly(String(quantity)));
      }
    }
    return quantities;
  }
}

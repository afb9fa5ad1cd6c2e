import type { ClickHouseClient } from '@clickhouse/client';
import { meterTerms, termsOf, type MeterTerms } from '../../shared/billing/billing-terms.ts';
import { readTerms, type StoredTerms } from '../../shared/billing/terms-table.ts';
import {
  addQuantities,
  formatQuantity,
  parseQuantity,
  ZERO,
  type Quantity,
} from '../../shared/model/decimal.ts';
import type { Source, SourcePartition } from '../../shared/model/source.ts';
import { hourOf, isoText, millis, type Hour } from '../../shared/model/time.ts';
import { usageAggregateId } from '../../shared/model/usage-aggregate.ts';
import { uuidText } from '../../shared/model/usage-event.ts';
import { submissionProblems, type Outcome, type Submission } from './compare-submission.ts';
import type { Span } from './compare-windows.ts';
import { contradiction, type Differences, type Value } from './differences.ts';
import type { CountedHour } from './recount.ts';
import { instant, OF_PARTITION, partitionParams, shortest, storedRows } from './stored-rows.ts';

/** How many closed hours and submissions of a partition were compared. */
export interface BillingCounts {
  composed: number;
  /** Closed hours that the bridge has not composed yet: it is behind, or does not run. */
  waiting: number;
  submissions: number;
}

/** A composition as it is stored. */
interface Composition {
  readonly aggregates: number;
  readonly submitted: number;
  readonly submissions: number;
  readonly toSend: number;
  readonly carries: string;
  readonly terms: number;
}

/** What one resource and meter come to in one hour. */
interface Owed {
  readonly resourceKey: string;
  readonly meterKey: string;
  readonly aggregates: Set<string>;
  quantity: Quantity;
}

const IDS_PER_QUERY = 500;

const UUID_LENGTH = 36;

/** An array of ids, as text. */
const ids = (column: string): string =>
  `arrayStringConcat(arrayMap(id -> toString(id), t.${column}), ' ')`;

const inOrder = (texts: readonly string[]): string => [...texts].sort().join(' ').trim();

const COMPOSITION_COLUMNS = [
  'aggregates',
  'submitted',
  'submissions',
  'to_send',
  'carries',
  'terms',
];

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
      const composition = compositions.get(hour);
      if (composition === undefined) {
        if (hour < this.lastComposed) this.differ(hour, '', 'is not composed, and later ones are');
        else this.counts.waiting++;
        continue;
      }
      this.counts.composed++;
      const found = submissions.get(hour) ?? [];
      this.compareHour(hour as Hour, windows.get(hour), composition, found, carried);
    }
  }

  /** Hours that are composed and cannot be: the source does not cover them, or they are not over. */
  async compareOthers(): Promise<void> {
    const { firstHour, lastHour, hourMillis } = this.source;
    const last = lastHour ?? hourOf(millis(Date.now()), hourMillis);
    for (const span of [
      { from: 0, end: firstHour },
      { from: last + hourMillis, end: 0xffff_ffff * 1000 },
    ]) {
      for (const hour of (await this.compositions(span)).keys()) {
        this.differ(hour, '', 'is composed, and is no closed hour of the source');
      }
    }
  }

  private compareHour(
    hour: Hour,
    counted: CountedHour | undefined,
    composition: Composition,
    submissions: readonly Submission[],
    carried: ReadonlyMap<string, Quantity>,
  ): void {
    const { at } = this;
    const terms = termsOf(this.terms, hour);
    if (!terms) {
      this.differ(hour, '', 'is composed, and no billing terms hold for it');
      return;
    }
    const meters = this.meters.get(terms.effectiveFrom) ?? new Map<string, MeterTerms>();
    const windows = [...(counted?.windows.values() ?? [])];
    const groups = new Set<string>();
    const owed = new Map<string, Owed>();
    let submitted = 0;
    for (const window of windows) {
      const { subscriptionKey, meterKey, resourceKey, quantity } = window;
      const group = [subscriptionKey, meterKey, resourceKey].join('\0');
      const isNew = !groups.has(group);
      groups.add(group);
      if (!this.source.billable || meters.get(meterKey)?.billable === false) continue;
      if (isNew) submitted++;
      const key = `${resourceKey}\0${meterKey}`;
      const sum = owed.get(key) ?? { resourceKey, meterKey, aggregates: new Set(), quantity: ZERO };
      owed.set(key, sum);
      sum.quantity = addQuantities(sum.quantity, quantity);
      if (isNew) sum.aggregates.add(uuidText(usageAggregateId(at, hour, window)));
    }
    const problem = contradiction(
      COMPOSITION_COLUMNS,
      [
        groups.size,
        submitted,
        submissions.length,
        submissions.filter((each) => each.disposition === 'send').length,
        inOrder(submissions.flatMap(({ carries }) => carries)),
        terms.effectiveFrom,
      ],
      Object.values(composition),
    );
    if (problem) this.differ(hour, '', `of the composition, ${problem}`);
    for (const each of submissions) {
      this.counts.submissions++;
      const key = `${each.resourceKey}\0${each.dimensionKey}`;
      const sum = owed.get(key);
      owed.delete(key);
      const problems = submissionProblems(each, {
        at,
        hour,
        usage: sum?.quantity ?? null,
        quantity: each.carries
          .map((id) => carried.get(id) ?? ZERO)
          .reduce(addQuantities, sum?.quantity ?? ZERO),
        aggregates: [...(sum?.aggregates ?? [])],
        carries: each.carries.filter((id) => carried.has(id)),
        reporting: terms.reporting,
        planId: terms.planId,
        meter: meters.get(each.dimensionKey) ?? null,
      });
      const name = `${each.resourceKey} ${each.dimensionKey}`;
      for (const text of problems) this.differ(hour, name, text);
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

  private async compositions(span: Span): Promise<ReadonlyMap<number, Composition>> {
    const found = new Map<number, Composition>();
    for await (const row of this.rows(
      `SELECT ${instant('reported_hour')}, t.aggregates, t.submitted, t.submissions, t.to_send,
         ${ids('carries')}, ${instant('terms')}
       FROM compositions AS t FINAL`,
      span,
    )) {
      const [hour, aggregates, submitted, submissions, toSend, carries, terms] = row;
      found.set(Number(hour), {
        aggregates: Number(aggregates),
        submitted: Number(submitted),
        submissions: Number(submissions),
        toSend: Number(toSend),
        carries: inOrder(String(carries).split(' ')),
        terms: Number(terms),
      });
    }
    return found;
  }

  private async submissions(span: Span): Promise<ReadonlyMap<number, readonly Submission[]>> {
    const outcomes = new Map<string, Outcome & { readonly hour: number }>();
    for await (const [id, hour, kind, accepted] of this.rows(
      `SELECT toString(t.submission_id), ${instant('reported_hour')}, t.outcome,
         toString(t.accepted_quantity)
       FROM commerce_outcomes AS t FINAL`,
      span,
    )) {
      outcomes.set(`${String(id)} ${String(hour)}`, {
        kind: String(kind),
        accepted: shortest(accepted as Value) as string | null,
        hour: Number(hour),
      });
    }
    const found = new Map<number, Submission[]>();
    for await (const row of this.rows(
      `SELECT toString(t.submission_id), ${instant('reported_hour')}, t.resource_uri, t.resource_key,
         t.dimension, t.dimension_key, toString(t.quantity), t.disposition, t.plan_id,
         ${ids('aggregates')}, ${ids('carries')}
       FROM commerce_submissions AS t FINAL`,
      span,
    )) {
      const [id, hour, resourceUri, resourceKey, dimension, dimensionKey, ...rest] =
        row.map(String);
      const [quantity = '', disposition = '', planId = '', aggregates = '', carries = ''] = rest;
      const name = `${String(id)} ${String(hour)}`;
      const submission: Submission = {
        id: String(id),
        hour: Number(hour),
        resourceUri: String(resourceUri),
        resourceKey: String(resourceKey),
        dimension: String(dimension),
        dimensionKey: String(dimensionKey),
        quantity: exactly(quantity),
        disposition,
        planId,
        aggregates: aggregates.split(' ').filter(Boolean),
        carries: carries.split(' ').filter(Boolean),
        outcome: outcomes.get(name) ?? null,
      };
      outcomes.delete(name);
      const ofHour = found.get(submission.hour);
      if (ofHour) ofHour.push(submission);
      else found.set(submission.hour, [submission]);
    }
    for (const [name, { hour, kind }] of outcomes) {
      this.differ(
        hour,
        name.slice(0, UUID_LENGTH),
        `outcome is ${kind}, and there is no submission`,
      );
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

import type { ClickHouseClient } from '@clickhouse/client';
import { parseQuantity, ZERO, type Quantity } from '../../shared/model/decimal.ts';
import type { SourcePartition } from '../../shared/model/source.ts';
import type { Carried, Outcome, Submission } from './compare-submission.ts';
import type { Value } from './differences.ts';
import { unbilledText } from './owed-hour.ts';
import { instant, OF_PARTITION, partitionParams, shortest, storedRows } from './stored-rows.ts';
import type { Span } from './window-rows.ts';

/** A stored composition. */
export interface Composition {
  readonly aggregates: number;
  readonly submitted: number;
  readonly submissions: number;
  readonly toSend: number;
  readonly carries: string;
  readonly terms: number;
}

/** A stored outcome. */
export interface StoredOutcome extends Outcome {
  readonly submissionId: string;
  readonly hour: number;
}

export interface StoredSubmissions {
  readonly byHour: ReadonlyMap<number, readonly Submission[]>;
  /** Outcomes without a submission. */
  readonly strayOutcomes: readonly StoredOutcome[];
}

const IDS_PER_QUERY = 500;

/** An array of ids, as text. */
const ids = (column: string): string =>
  `arrayStringConcat(arrayMap(id -> toString(id), t.${column}), ' ')`;

/** Ids as text, sorted, because their order in the table means nothing. */
export const inOrder = (texts: readonly string[]): string => [...texts].sort().join(' ').trim();

/** What a carry takes along. Months and their quantities stand in two lists. */
const CARRIED = `toString(t.submission_id), t.location, t.dimension, t.meters, toString(t.quantity),
  mapKeys(t.usage_months), arrayMap(part -> toString(part), mapValues(t.usage_months))`;

/** The number of columns before these in a query for submissions. */
const OTHERS = 10;

const carriedOf = (row: readonly unknown[]): Carried => {
  const [id, location, dimension, meters, quantity, months, parts] = row;
  const quantities = parts as readonly string[];
  return {
    id: String(id),
    location: String(location),
    dimension: String(dimension),
    meters: meters as readonly string[],
    quantity: exactly(String(quantity)),
    months: new Map(
      (months as readonly string[]).map((month, n) => [month, exactly(quantities[n] ?? '')]),
    ),
  };
};

const exactly = (text: string): Quantity => parseQuantity(text) ?? ZERO;

/** What the bridge has stored for a partition. */
export class StoredBilling {
  private readonly client: ClickHouseClient;
  private readonly at: SourcePartition;

  constructor(client: ClickHouseClient, at: SourcePartition) {
    this.client = client;
    this.at = at;
  }

  /** The last composed hour; -1 if there is none. */
  async lastComposed(): Promise<number> {
    let lastComposed = -1;
    for await (const [count, last] of storedRows(
      this.client,
      `SELECT count(), max(${instant('reported_hour')}) FROM compositions AS t WHERE ${OF_PARTITION}`,
      partitionParams(this.at),
    )) {
      if (Number(count) > 0) lastComposed = Number(last);
    }
    return lastComposed;
  }

  /** Compositions by hour. */
  async compositions(span: Span): Promise<ReadonlyMap<number, Composition>> {
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

  /** Submissions by hour, each with its outcome. */
  async submissions(span: Span): Promise<StoredSubmissions> {
    const outcomes = await this.outcomes(span);
    const byHour = new Map<number, Submission[]>();
    for await (const row of this.rows(
      `SELECT ${instant('reported_hour')}, t.resource_uri, t.resource_key, t.subscription_id,
         t.dimension_key, t.decision, t.reason, t.plan_id, ${ids('aggregates')}, ${ids('carries')},
         ${CARRIED}
       FROM commerce_submissions AS t FINAL`,
      span,
    )) {
      const [hour = '', resourceUri = '', resourceKey = '', subscriptionId = '', ...others] = row
        .slice(0, OTHERS)
        .map(String);
      const [dimensionKey = '', decision = '', reason = '', planId = '', ...lists] = others;
      const [aggregates = '', carries = ''] = lists;
      const carried = carriedOf(row.slice(OTHERS));
      const name = `${carried.id} ${hour}`;
      const submission: Submission = {
        ...carried,
        hour: Number(hour),
        resourceUri,
        resourceKey,
        subscriptionId,
        dimensionKey,
        decision,
        reason,
        planId,
        aggregates: aggregates.split(' ').filter(Boolean),
        carries: carries.split(' ').filter(Boolean),
        outcome: outcomes.get(name) ?? null,
      };
      outcomes.delete(name);
      const ofHour = byHour.get(submission.hour);
      if (ofHour) ofHour.push(submission);
      else byHour.set(submission.hour, [submission]);
    }
    return { byHour, strayOutcomes: [...outcomes.values()] };
  }

  /** Outcomes by the id and hour of their submissions. */
  private async outcomes(span: Span): Promise<Map<string, StoredOutcome>> {
    const found = new Map<string, StoredOutcome>();
    for await (const [id, hour, kind, accepted] of this.rows(
      `SELECT toString(t.submission_id), ${instant('reported_hour')}, t.outcome,
         toString(t.accepted_quantity)
       FROM commerce_outcomes AS t FINAL`,
      span,
    )) {
      found.set(`${String(id)} ${String(hour)}`, {
        submissionId: String(id),
        hour: Number(hour),
        kind: String(kind),
        accepted: shortest(accepted as Value) as string | null,
      });
    }
    return found;
  }

  /** The usage that is in no submission, as texts in order, by hour. */
  async unbilled(span: Span): Promise<ReadonlyMap<number, readonly string[]>> {
    const found = new Map<number, string[]>();
    for await (const [hour, reason, meter, subscription, quantity, aggregates] of this.rows(
      `SELECT ${instant('reported_hour')}, t.reason, t.meter_key, t.subscription_key,
         toString(t.quantity), ${ids('aggregates')}
       FROM unbilled_usage AS t FINAL`,
      span,
    )) {
      const text = unbilledText(
        String(reason),
        String(meter),
        String(subscription),
        exactly(String(quantity)),
        String(aggregates).split(' ').filter(Boolean),
      );
      found.set(Number(hour), [...(found.get(Number(hour)) ?? []), text].sort());
    }
    return found;
  }

  /** The carried submissions inside others, by id. */
  async carried(submissions: readonly Submission[]): Promise<ReadonlyMap<string, Carried>> {
    const ids = [...new Set(submissions.flatMap(({ carries }) => carries))];
    const found = new Map<string, Carried>();
    for (let from = 0; from < ids.length; from += IDS_PER_QUERY) {
      for await (const row of storedRows(
        this.client,
        `SELECT ${CARRIED} FROM commerce_submissions AS t FINAL
         WHERE t.submission_id IN {ids:Array(UUID)}`,
        { ids: ids.slice(from, from + IDS_PER_QUERY) },
      )) {
        const carried = carriedOf(row);
        found.set(carried.id, carried);
      }
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
}

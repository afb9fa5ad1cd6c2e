import { parseHttpDate } from '../../shared/http/http-date.ts';
import { DAY_MILLIS, HOUR_MILLIS, isoText, millis, type Millis } from '../../shared/model/time.ts';
import type { Pending } from '../ports.ts';
import {
  exchange,
  failureOf,
  type Answer,
  type Asking,
  type CommerceOptions,
} from './http-exchange.ts';
import { failure, type Failure } from './failure.ts';
import type { MadeRequest, RequestNote } from './made-request.ts';
import {
  readBatchAnswer,
  readConflict,
  readRefusal,
  readHoldings,
  HOLDS_NOTHING,
  type HeldQuantity,
  type ItemAnswer,
} from './read-answer.ts';
import { batchBody } from './usage-message.ts';
import { fail, succeed, type Result } from '../../shared/model/result.ts';

export type BatchAnswer =
  | {
      readonly kind: 'answered';
      readonly items: readonly ItemAnswer[];
      /** Commerce's clock; null if it does not say. */
      readonly date: Millis | null;
    }
  /** The entire request was refused because of what is in it. */
  | {
      readonly kind: 'refused';
      readonly message: string;
      /** It is the time of usage that is refused. */
      readonly isAboutTime: boolean;
      readonly date: Millis | null;
    }
  | Failure;

export type HoldingsAnswer = Result<readonly HeldQuantity[], Failure>;

export interface Call {
  readonly signal: AbortSignal;
  /** Told of every request that is made, once it has its answer or has failed. */
  readonly note: (request: RequestNote) => void;
}

export interface Commerce {
  submit(batch: readonly Pending[], call: Call): Promise<BatchAnswer>;
  /** What Commerce holds for the resource, dimension and hour of each submission, in their order. */
  holdings(pending: readonly Pending[], call: Call): Promise<HoldingsAnswer>;
}

/** A client of Azure's metering service API, version 2018-08-31 (docs/azure.md, "Metering service"). */
export class CommerceClient implements Commerce {
  private readonly options: CommerceOptions;

  constructor(options: CommerceOptions) {
    this.options = options;
  }

  async submit(batch: readonly Pending[], call: Call): Promise<BatchAnswer> {
    const asking = {
      operation: 'submit',
      method: 'POST',
      path: '/api/batchUsageEvent',
      query: {},
      body: batchBody(batch, this.options.additionalInfo),
    } as const;
    const asked = await this.ask(asking, batch, call, (answer) => this.read(answer, batch));
    if (!asked.ok) return asked.error === 'endless' ? ENDLESS : asked.error;
    return asked.value;
  }

  async holdings(pending: readonly Pending[], call: Call): Promise<HoldingsAnswer> {
    const held = new Map<Pending, HeldQuantity>();
    const failed = await this.lookUp(pending, 0, held, call);
    if (failed) return fail(failed);
    return succeed(pending.map((each) => held.get(each) ?? HOLDS_NOTHING));
  }

  private read(answer: Answer, batch: readonly Pending[]): BatchAnswer {
    const { status, body } = answer;
    const date = dateOf(answer);
    if (status === 400) {
      const refusal = readRefusal(body);
      if (refusal !== null) return { kind: 'refused', ...refusal, date };
    }
    if (status === 413) {
      return { kind: 'refused', message: 'the request is too large', isAboutTime: false, date };
    }
    if (status === 409) {
      const conflict = readConflict(body);
      if (conflict && batch.length === 1) return { kind: 'answered', items: [conflict], date };
      if (conflict) {
        return { kind: 'refused', message: 'one was accepted before', isAboutTime: false, date };
      }
    }
    if (status !== 200) return failureOf(answer, this.options.url);
    const items = readBatchAnswer(body, batch);
    if (!items.ok) return failure('retry', `Commerce answered 200, and ${items.error}`);
    return { kind: 'answered', items: items.value, date };
  }

  /** Sends one request for all submissions; if its answer is too large, several narrower ones. */
  private async lookUp(
    pending: readonly Pending[],
    narrowness: number,
    held: Map<Pending, HeldQuantity>,
    call: Call,
  ): Promise<Failure | null> {
    const asking = {
      operation: 'look-up',
      method: 'GET',
      path: '/api/usageEvents',
      query: queryFor(pending, narrowness === 0 ? DAY_MILLIS : HOUR_MILLIS),
      body: null,
    } as const;
    const asked = await this.ask(asking, pending, call, (answer) =>
      this.readFound(answer, pending),
    );
    if (!asked.ok) {
      const narrower = NARROWER[narrowness];
      if (asked.error !== 'endless') return asked.error;
      if (!narrower) return ENDLESS;
      for (const part of partsBy(narrower, pending)) {
        const failed = await this.lookUp(part, narrowness + 1, held, call);
        if (failed) return failed;
      }
      return null;
    }
    if (!asked.value.ok) return asked.value.error;
    for (const [index, each] of pending.entries()) {
      held.set(each, asked.value.value[index] ?? HOLDS_NOTHING);
    }
    return null;
  }

  private readFound(answer: Answer, pending: readonly Pending[]): HoldingsAnswer {
    if (answer.status !== 200) return fail(failureOf(answer, this.options.url));
    const found = readHoldings(answer.body, pending);
    return found.ok ? found : fail(failure('retry', `Commerce answered 200, and ${found.error}`));
  }

  /** Makes a request, reads its answer, and notes both. */
  private async ask<T extends BatchAnswer | HoldingsAnswer>(
    asking: Omit<Asking, 'correlationId'>,
    about: readonly Pending[],
    { signal, note }: Call,
    read: (answer: Answer) => T,
  ): Promise<Result<T, Failure | 'endless'>> {
    const submissionIds = about.map(({ submission }) => submission.submissionId);
    const noteIt = (made: MadeRequest, statuses: readonly string[] = []): void =>
      note({ ...made, submissionIds, statuses });
    const asked = await exchange(
      // The first submission: so the tries of a batch have it in common.
      { ...asking, correlationId: submissionIds[0] ?? '' },
      this.options,
      signal,
      noteIt,
    );
    if (!asked.ok) return asked;
    const { made, answer } = asked.value;
    if (!answer.ok) {
      const message = answer.error === 'endless' ? ENDLESS.reason : answer.error.reason;
      noteIt({ ...made, message });
      return answer;
    }
    const value = read(answer.value);
    noteIt(...told(made, value));
    return succeed(value);
  }
}

/** What is noted of an answer that was read. */
const told = (
  made: MadeRequest,
  value: BatchAnswer | HoldingsAnswer,
): [MadeRequest, readonly string[]] => {
  const failed = (why: Failure): [MadeRequest, readonly string[]] => [
    { ...made, handling: why.handling, message: why.reason },
    [],
  ];
  if ('ok' in value) return value.ok ? [made, []] : failed(value.error);
  if (value.kind === 'failed') return failed(value);
  if (value.kind === 'refused') return [{ ...made, handling: 'split', message: value.message }, []];
  return [{ ...made, handling: 'items' }, value.items.map(({ status }) => status)];
};

const ENDLESS = failure('retry', 'Commerce gave an answer that is too large');

/** How a request is split, step by step, when its answer would be too large. */
const NARROWER: readonly ((pending: Pending) => string)[] = [
  ({ hour }) => isoText(hour),
  ({ submission }) => submission.dimension,
  ({ submission }) => submission.resourceUri,
];

const partsBy = (
  keyOf: (pending: Pending) => string,
  pending: readonly Pending[],
): readonly (readonly Pending[])[] => {
  const parts = new Map<string, Pending[]>();
  for (const each of pending) {
    const key = keyOf(each);
    const part = parts.get(key);
    if (part) part.push(each);
    else parts.set(key, [each]);
  }
  return [...parts.values()];
};

/**
 * Asks for the days, or hours, of submissions, and for the dimension or resource if all of them share it. Nobody
 * has documented whether `UsageEndDate` is inclusive, or is cut to its day. So the last day, or hour, is asked for to
 * its end: what Commerce holds of the last hour of a day or a month must not be taken for nothing.
 */
const queryFor = (pending: readonly Pending[], unit: number): Readonly<Record<string, string>> => {
  const hours = pending.map(({ hour }) => hour);
  const shared = (name: string, valueOf: (pending: Pending) => string): Record<string, string> => {
    const values = new Set(pending.map(valueOf));
    const [value] = values;
    return values.size === 1 && value !== undefined ? { [name]: value } : {};
  };
  const begin = (instant: number): number => Math.floor(instant / unit) * unit;
  return {
    usageStartDate: isoText(millis(begin(Math.min(...hours)))),
    UsageEndDate: isoText(millis(begin(Math.max(...hours)) + unit)),
    ...shared('dimension', ({ submission }) => submission.dimension),
    ...shared('usageResourceId', ({ submission }) => submission.resourceUri),
  };
};

const dateOf = ({ headers }: Answer): Millis | null => parseHttpDate(headers.get('date') ?? '');

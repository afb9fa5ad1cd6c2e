import { asciiLower } from '../../shared/model/placement.ts';
import { DAY_MILLIS, type Millis } from '../../shared/model/time.ts';
import { parseTimeInUtc } from '../../shared/model/time-text.ts';
import type { Pending } from '../ports.ts';
import { handlingOfStatus, isAboutTime } from './handling.ts';
import { fail, succeed, type Result } from '../../shared/model/result.ts';

/**
 * What Commerce says about one submission of a batch (docs/azure.md, "Batch statuses"). Its quantities are
 * doubles. What is done about each status is in `handling.ts`.
 */
export type ItemAnswer = {
  /** As Commerce wrote it. */
  readonly status: string;
} & (
  | {
      readonly handling: 'compare';
      readonly kind: 'accepted' | 'duplicate';
      /** What Commerce holds; null if it does not say. */
      readonly quantity: number | null;
      readonly usageEventId: string;
    }
  /** Its hour is too old (or in the future) by Commerce's clock; or it is refused, for now or for good. */
  | { readonly handling: 'look-up' | 'retry' | 'dead-letter'; readonly message: string }
);

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const fieldsOf = (value: unknown): Fields => (isFields(value) ? value : {});

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

const quantityOf = (value: unknown): number | null =>
  typeof value === 'number' && Number.isFinite(value) ? value : null;

const parseJson = (body: string): unknown => {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
};

/**
 * Reads the answer to a batch: the item for each submission, in order, or why this is not an answer to the
 * batch. An item that names another resource, dimension or hour than the submission at its place belongs to
 * something else, and then nothing in the answer is trusted.
 */
export const readBatchAnswer = (
  body: string,
  batch: readonly Pending[],
): Result<readonly ItemAnswer[], string> => {
  const { result } = fieldsOf(parseJson(body));
  if (!Array.isArray(result)) return fail('its body is not an answer to a batch');
  if (result.length !== batch.length) {
    return fail(`it has ${String(result.length)} items for ${String(batch.length)} submissions`);
  }
  const answers: ItemAnswer[] = [];
  for (const [index, pending] of batch.entries()) {
    const item = fieldsOf(result[index]);
    if (!isAbout(item, pending)) return fail(`item ${String(index)} is about something else`);
    const answer = readItem(item);
    if (!answer.ok) return fail(`item ${String(index)}: ${answer.error}`);
    answers.push(answer.value);
  }
  return succeed(answers);
};

/** Items echo what was sent. If they do not, their place in the list counts. */
const isAbout = (item: Fields, { hour, submission }: Pending): boolean => {
  const same = (field: string, sent: string): boolean => {
    const echoed = item[field];
    return typeof echoed !== 'string' || asciiLower(echoed) === asciiLower(sent);
  };
  const echoedTime = item['effectiveStartTime'];
  return (
    same('resourceUri', submission.resourceUri) &&
    same('dimension', submission.dimension) &&
    (typeof echoedTime !== 'string' || instantOf(echoedTime) === hour)
  );
};

/**
 * Commerce's times are in UTC, with or without an offset (docs/azure.md, "Usage event"). Null for any other
 * text.
 */
const instantOf = (text: string): Millis | null => {
  const parsed = parseTimeInUtc(text);
  return parsed.ok ? parsed.value.instant : null;
};

const MAX_STATUS = 40;

const readItem = (item: Fields): Result<ItemAnswer, string> => {
  const status = textOf(item['status']).slice(0, MAX_STATUS);
  const error = fieldsOf(item['error']);
  const handling = handlingOfStatus(status, targetsIn(error));
  if (handling === 'compare') {
    if (status === 'Duplicate') return succeed({ status, handling, ...acceptedBefore(error) });
    const quantity = quantityOf(item['quantity']);
    const usageEventId = textOf(item['usageEventId']);
    return quantity === null
      ? fail('it is accepted without a quantity')
      : succeed({ status, handling, kind: 'accepted', quantity, usageEventId });
  }
  const message = messageIn(error);
  // A status that nobody has documented is told, so that somebody can look it up.
  const told = handling === 'retry' && status !== 'Error' ? `its status is "${status}"` : message;
  return succeed({ status, handling, message: told });
};

/** What an error of the code `Conflict` says that was accepted before. */
const acceptedBefore = (error: Fields) => {
  const holding = fieldsOf(fieldsOf(error['additionalInfo'])['acceptedMessage']);
  return {
    kind: 'duplicate' as const,
    quantity: quantityOf(holding['quantity']),
    usageEventId: textOf(holding['usageEventId']),
  };
};

const detailsIn = (error: Fields): readonly Fields[] =>
  Array.isArray(error['details']) ? error['details'].map(fieldsOf) : [];

const targetsIn = (error: Fields): readonly string[] =>
  detailsIn(error).map(({ target }) => textOf(target));

/** The message of an error: its details, if it has any. */
const messageIn = (error: Fields): string => {
  const told = detailsIn(error)
    .map((detail) => textOf(detail['message']))
    .filter((text) => text !== '');
  return (told.length > 0 ? told.join(' ') : textOf(error['message'])).slice(0, 1000);
};

/** The refusal of an entire request (400): its message, and whether it is the time of usage that is refused. */
export interface RequestRefusal {
  readonly message: string;
  readonly isAboutTime: boolean;
}

/** Reads the documented envelope of a 400; null if it is not about usage but about how the API was called. */
export const readRefusal = (body: string): RequestRefusal | null => {
  const fields = fieldsOf(parseJson(body));
  if (fields['code'] !== 'BadArgument') return null;
  const targets = targetsIn(fields);
  if (targets.some((target) => target.toLowerCase() === 'api-version')) return null;
  return { message: messageIn(fields), isAboutTime: isAboutTime(targets) };
};

/** Reads a 409 to one submission; null if it does not say that it was accepted before. */
export const readConflict = (body: string): ItemAnswer | null => {
  const fields = fieldsOf(parseJson(body));
  return fields['code'] === 'Conflict'
    ? { status: 'Duplicate', handling: 'compare', ...acceptedBefore(fields) }
    : null;
};

/**
 * What Commerce holds for the resource, dimension and hour of a submission: a double, or null for nothing.
 */
export type HeldQuantity = Result<number | null, string>;

export const HOLDS_NOTHING: HeldQuantity = succeed(null);

const identityOf = (hour: number, resource: string, dimension: string): string =>
  [String(hour), asciiLower(resource), asciiLower(dimension)].join('\0');

const dayOf = (instant: number): number => Math.floor(instant / DAY_MILLIS) * DAY_MILLIS;

/**
 * Reads an answer of `GET usageEvents` for submissions, in order. The documented example has a row for a day,
 * with the number of events in it (`submittedCount`). Of more than one, nobody can tell whether a certain hour is
 * among them: then it is not known what Commerce holds.
 */
export const readHoldings = (
  body: string,
  pending: readonly Pending[],
): Result<readonly HeldQuantity[], string> => {
  const rows = parseJson(body);
  if (!Array.isArray(rows)) return NO_LIST;
  const found = new Map<string, HeldQuantity>();
  const days = new Map<string, HeldQuantity>();
  for (const row of rows.map(fieldsOf)) {
    const usageDate = textOf(row['usageDate']);
    const instant = instantOf(usageDate);
    if (instant === null) return NO_LIST;
    const [resource, dimension] = [textOf(row['usageResourceId']), textOf(row['dimension'])];
    const count = quantityOf(row['submittedCount']) ?? 1;
    if (count > 1) {
      const told = `Commerce lists ${String(count)} usage events of ${usageDate} as one`;
      days.set(identityOf(dayOf(instant), resource, dimension), fail(told));
      continue;
    }
    const quantity = quantityOf(row['submittedQuantity']);
    const identity = identityOf(instant, resource, dimension);
    if (found.has(identity)) continue;
    found.set(
      identity,
      quantity === null
        ? fail(`Commerce holds usage of ${usageDate} without a quantity`)
        : succeed(quantity),
    );
  }
  return succeed(
    pending.map(({ hour, submission: { resourceUri, dimension } }) => {
      const day = days.get(identityOf(dayOf(hour), resourceUri, dimension));
      return day ?? found.get(identityOf(hour, resourceUri, dimension)) ?? HOLDS_NOTHING;
    }),
  );
};

const NO_LIST = fail('its body is not a list of usage');

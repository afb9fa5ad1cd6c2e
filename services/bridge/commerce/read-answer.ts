import { asciiLower } from '../../shared/model/placement.ts';
import type { Millis } from '../../shared/model/time.ts';
import { parseTimeInUtc } from '../../shared/model/time-text.ts';
import type { Pending } from '../ports.ts';
import { fail, succeed, type Result } from '../../shared/model/result.ts';

/**
 * What Commerce says about one submission of a batch (docs/azure.md, "Batch statuses"). Its quantities are
 * doubles.
 */
export type ItemAnswer =
  | { readonly kind: 'accepted'; readonly quantity: number; readonly usageEventId: string }
  /** `quantity` is what Commerce holds; null if it does not say. */
  | {
      readonly kind: 'duplicate';
      readonly quantity: number | null;
      readonly usageEventId: string;
    }
  /** Its hour is too old, or in the future by Commerce's clock. */
  | { readonly kind: 'expired'; readonly message: string }
  | { readonly kind: 'try-again'; readonly message: string }
  | { readonly kind: 'rejected'; readonly code: string; readonly message: string };

/** Permanent refusals: the submission would be refused again. */
const REJECTIONS = new Set([
  'ResourceNotFound',
  'ResourceNotAuthorized',
  'ResourceNotActive',
  'InvalidDimension',
  'InvalidQuantity',
  'BadArgument',
]);

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

const readItem = (item: Fields): Result<ItemAnswer, string> => {
  const status = textOf(item['status']);
  if (status === 'Accepted') {
    const quantity = quantityOf(item['quantity']);
    return quantity === null
      ? fail('it is accepted without a quantity')
      : succeed({ kind: 'accepted', quantity, usageEventId: textOf(item['usageEventId']) });
  }
  const error = fieldsOf(item['error']);
  const message = messageIn(error);
  if (status === 'Duplicate') {
    const holding = fieldsOf(fieldsOf(error['additionalInfo'])['acceptedMessage']);
    return succeed({
      kind: 'duplicate',
      quantity: quantityOf(holding['quantity']),
      usageEventId: textOf(holding['usageEventId']),
    });
  }
  if (status === 'Expired') return succeed({ kind: 'expired', message });
  if (status === 'Error') return succeed({ kind: 'try-again', message });
  if (REJECTIONS.has(status)) return succeed({ kind: 'rejected', code: status, message });
  return fail(`its status is "${status.slice(0, 40)}"`);
};

/** The message of an error: its details, if it has any. */
const messageIn = (error: Fields): string => {
  const details = Array.isArray(error['details']) ? error['details'].map(fieldsOf) : [];
  const told = details.map((detail) => textOf(detail['message'])).filter((text) => text !== '');
  return (told.length > 0 ? told.join(' ') : textOf(error['message'])).slice(0, 1000);
};

/** The refusal of an entire request (400): its message, and whether the submissions are at fault. */
export interface RequestRefusal {
  readonly message: string;
  /** Whether it is about the submissions and not about the way in which the API was called. */
  readonly isAboutUsage: boolean;
}

/** Reads the documented envelope of a 400; null if the body is anything else. */
export const readRefusal = (body: string): RequestRefusal | null => {
  const fields = fieldsOf(parseJson(body));
  if (fields['code'] !== 'BadArgument') return null;
  const details = Array.isArray(fields['details']) ? fields['details'].map(fieldsOf) : [];
  return {
    message: messageIn(fields),
    isAboutUsage: !details.some(({ target }) => textOf(target).toLowerCase() === 'api-version'),
  };
};

/**
 * What Commerce holds for the resource, dimension and hour of a submission: a double, or null for nothing.
 */
export type HeldQuantity = Result<number | null, string>;

export const HOLDS_NOTHING: HeldQuantity = succeed(null);

const identityOf = (hour: number, resource: string, dimension: string): string =>
  [String(hour), asciiLower(resource), asciiLower(dimension)].join('\0');

/** Reads an answer of `GET usageEvents` for submissions, in order. */
export const readHoldings = (
  body: string,
  pending: readonly Pending[],
): Result<readonly HeldQuantity[], string> => {
  const rows = parseJson(body);
  if (!Array.isArray(rows)) return NO_LIST;
  const found = new Map<string, HeldQuantity>();
  for (const row of rows.map(fieldsOf)) {
    const usageDate = textOf(row['usageDate']);
    const instant = instantOf(usageDate);
    if (instant === null) return NO_LIST;
    const quantity = quantityOf(row['submittedQuantity']);
    const identity = identityOf(instant, textOf(row['usageResourceId']), textOf(row['dimension']));
    if (found.has(identity)) continue;
    found.set(
      identity,
      quantity === null
        ? fail(`Commerce holds usage of ${usageDate} without a quantity`)
        : succeed(quantity),
    );
  }
  return succeed(
    pending.map(
      ({ hour, submission }) =>
        found.get(identityOf(hour, submission.resourceUri, submission.dimension)) ?? HOLDS_NOTHING,
    ),
  );
};

const NO_LIST = fail('its body is not a list of usage');

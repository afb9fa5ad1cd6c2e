/**
 * What the bridge does about everything that Commerce can say (docs/azure.md, "Metering service"). This is the
 * only place that decides it; `handling.test.ts` goes through all of it.
 */

/**
 * What is done about one submission:
 * - `compare`: done, if Commerce holds our quantity (the same double); another one is an alarm
 * - `look-up`: settled by what Commerce holds: accepted before, or carried
 * - `retry`: sent again later; others go first
 * - `dead-letter`: refused for good, and kept for people
 */
export type ItemHandling = 'compare' | 'look-up' | 'retry' | 'dead-letter';

/** By the status of an item in the answer to a batch. */
export const STATUS_HANDLING = {
  Accepted: 'compare',
  Duplicate: 'compare',
  Expired: 'look-up',
  Error: 'retry',
  ResourceNotFound: 'dead-letter',
  ResourceNotAuthorized: 'dead-letter',
  ResourceNotActive: 'dead-letter',
  InvalidDimension: 'dead-letter',
  InvalidQuantity: 'dead-letter',
  BadArgument: 'dead-letter',
} as const satisfies Readonly<Record<string, ItemHandling>>;

export type KnownStatus = keyof typeof STATUS_HANDLING;

const isKnown = (status: string): status is KnownStatus => Object.hasOwn(STATUS_HANDLING, status);

/** Commerce reports what is too old, or in the future, as an error of this field too. */
export const isAboutTime = (targets: readonly string[]): boolean =>
  targets.some((target) => target.toLowerCase() === 'effectivestarttime');

/** What is done about a status; an unknown one may be over later. */
export const handlingOfStatus = (status: string, targets: readonly string[]): ItemHandling => {
  if (!isKnown(status)) return 'retry';
  return status === 'BadArgument' && isAboutTime(targets) ? 'look-up' : STATUS_HANDLING[status];
};

/**
 * What is done about an answer as a whole:
 * - `items`: each submission by its own status
 * - `split`: something in it is refused: sent again in halves; one alone is dead-lettered, or looked up if it is
 *   its time that is refused
 * - `compare`: one alone is a duplicate; several are split
 * - `retry`: perhaps it is because of something inside: this batch again, later and later, and in halves after
 *   some tries; the others go on
 * - `wait`: Commerce is away or busy: nothing is sent for a while
 * - `renew-token`: once, with a new token; if that is refused too, `ask-a-person`
 * - `ask-a-person`: a setting is wrong: all is sent again after the longest pause
 */
export type AnswerHandling =
  'items' | 'split' | 'compare' | 'retry' | 'wait' | 'renew-token' | 'ask-a-person';

/** By HTTP status; the first that applies. 400 is split only if its body says that usage is at fault. */
const HTTP_HANDLING: readonly (readonly [(status: number) => boolean, AnswerHandling])[] = [
  [(status) => status === 200, 'items'],
  [(status) => status === 400 || status === 413, 'split'],
  [(status) => status === 401 || status === 403, 'renew-token'],
  [(status) => status === 409, 'compare'],
  [(status) => status === 408 || status === 429, 'wait'],
  [(status) => status === 500, 'retry'],
  [(status) => status > 500, 'wait'],
  [() => true, 'ask-a-person'],
];

export const handlingOfAnswer = (status: number): AnswerHandling =>
  HTTP_HANDLING.find(([applies]) => applies(status))?.[1] ?? 'ask-a-person';

/**
 * Where there is no answer, its effect is unknown: it may have been accepted. A server that refuses the
 * connection, or is not found, is away. Any other end may be because of something in the request.
 */
export const handlingOfNoAnswer = (code: string): 'wait' | 'retry' =>
  ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'].includes(code)
    ? 'wait'
    : 'retry';

import { LosslessNumber, parse, stringify } from 'lossless-json';
import { uriOf } from './examples.ts';
import type { Answer, Asked } from '../scripted-server.ts';

export interface Sent {
  readonly resourceUri: string;
  readonly quantity: LosslessNumber;
  readonly dimension: string;
  readonly effectiveStartTime: string;
}

export const requestOf = ({ body }: Asked): readonly Sent[] =>
  (parse(body) as { readonly request: readonly Sent[] }).request;

/** Answers a batch, item by item. */
export const each = (asked: Asked, item: (sent: Sent, index: number) => object) => {
  const result = requestOf(asked).map((sent, index) => ({ ...sent, ...item(sent, index) }));
  return { body: stringify({ count: result.length, result }) ?? '' };
};

export const accepted = {
  status: 'Accepted',
  usageEventId: 'e1',
  messageTime: '2026-01-10T01:00:00Z',
};
export const allAccepted = (asked: Asked): Answer => each(asked, () => accepted);

export const refusedWith = (status: string, message = 'because') => ({
  status,
  error: { code: 'BadArgument', message: 'One or more.', details: [{ message, target: 'x' }] },
});

export const duplicateOf = (quantity: string) => ({
  status: 'Duplicate',
  error: {
    code: 'Conflict',
    additionalInfo: {
      acceptedMessage: { quantity: new LosslessNumber(quantity), usageEventId: 'e0' },
    },
  },
});

export const holds = (asked: Asked, quantity: string): Answer => ({
  body:
    stringify([
      {
        usageDate: '2026-01-10T01:00:00Z',
        usageResourceId: uriOf('vm0'),
        dimension: 'dim',
        submittedQuantity: new LosslessNumber('9'),
      },
      {
        usageDate: asked.query.get('usageStartDate'),
        usageResourceId: asked.query.get('usageResourceId')?.toUpperCase(),
        dimension: asked.query.get('dimension')?.toLowerCase(),
        submittedQuantity: new LosslessNumber(quantity),
      },
    ]) ?? '',
});

/** Answers 503 to the first so many requests, and takes the others' usage. */
export const awayFor =
  (times: number) =>
  (asked: Asked, nth: number): Answer =>
    nth < times ? { status: 503, body: '' } : allAccepted(asked);

export const REFUSED: Answer = {
  status: 400,
  body: '{"code":"BadArgument","details":[{"message":"no","target":"resourceUri"}]}',
};

export const namesOf = (asked: Asked): readonly string[] =>
  requestOf(asked).map(({ resourceUri }) => resourceUri.slice(resourceUri.indexOf('vm')));

import { usageEventDecoders } from '../../shared/avro/usage-event-codec.ts';
import type { PublishedSchema } from '../../shared/avro/schema-directory.ts';
import { unframe } from '../../shared/avro/wire-format.ts';
import {
  formatQuantity,
  isCanonicalDecimal,
  quantityFromBytes,
} from '../../shared/model/decimal.ts';
import { DEAD_LETTERS } from '../../shared/model/dead-letter.ts';
import { printable } from '../../shared/terminal/printable.ts';
import { formatFields } from '../../shared/terminal/table.ts';
import { type RawUsageEvent, uuidText } from '../../shared/model/usage-event.ts';
import type { Disposition } from '../../operations/dead-letters/dispositions.ts';
import type { Letter } from '../../operations/dead-letters/letters.ts';
import { positionText, type Position } from '../../operations/dead-letters/position.ts';
import { instantText } from '../instant-text.ts';
import { hexDump } from './hex-dump.ts';

/** What can be read of a record's value. Texts are as they were sent. */
export interface Description {
  readonly schemaId: number | null;
  readonly event: Readonly<Record<string, string | null>> | null;
  /** Why no more can be read; null if all was read. */
  readonly problem: string | null;
}

/** Reads a record's value as far as this version can. */
export const describeValue = (
  value: Buffer | null,
  schemas: readonly PublishedSchema[],
): Description => {
  if (value === null) return { schemaId: null, event: null, problem: 'the record has no value' };
  const framed = unframe(value);
  if (!framed) {
    return { schemaId: null, event: null, problem: 'it is not in the Confluent wire format' };
  }
  const { schemaId, datum } = framed;
  const decode = usageEventDecoders(schemas).get(schemaId);
  if (!decode) return { schemaId, event: null, problem: 'no schema is published under this id' };
  const decoded = decode(datum);
  return decoded.ok
    ? { schemaId, event: fieldsOf(decoded.value), problem: null }
    : { schemaId, event: null, problem: decoded.error.message };
};

const fieldsOf = (event: RawUsageEvent): Readonly<Record<string, string | null>> => ({
  ...event,
  eventId: uuidText(event.eventId),
  usageStartTime: instantText(event.usageStartTime),
  usageEndTime: instantText(event.usageEndTime),
  quantity: isCanonicalDecimal(event.quantity)
    ? formatQuantity(quantityFromBytes(event.quantity))
    : `not in its shortest form: ${Buffer.from(event.quantity).toString('hex')}`,
});

export type History = readonly (Disposition & { readonly letter: Position })[];

const MAX_BYTES = 1_024;

/** A dead letter for a person at a terminal. */
export const formatLetter = (
  letter: Letter,
  description: Description,
  history: History,
  allBytes: boolean,
): string => {
  const { schemaId, event, problem } = description;
  const headers = Object.entries(letter.headers);
  return [
    positionText(letter),
    ...formatFields([
      ['code', letter.code],
      ['message', letter.message],
      ['reported', instantText(letter.reportedTime)],
      ['timestamp', instantText(letter.timestamp)],
      ['key', letter.key?.toString('utf8') ?? null],
      ['bytes', letter.value === null ? 'no value' : String(letter.value.length)],
      ['what to do', DEAD_LETTERS[letter.code].remedy],
    ]),
    ...(headers.length > 0 ? ['', 'Headers', ...formatFields(headers)] : []),
    '',
    schemaId === null ? 'Event' : `Event in schema ${String(schemaId)}`,
    ...(event
      ? formatFields(Object.entries(event))
      : [` cannot be read: ${printable(problem ?? '')}`]),
    ...(letter.value && letter.value.length > 0
      ? ['', 'Bytes', hexDump(letter.value, allBytes ? Infinity : MAX_BYTES)]
      : []),
    '',
    'What was done',
    ...(history.length > 0 ? history.map(formatDisposition) : ['  nothing yet']),
  ].join('\n');
};

const formatDisposition = ({
  at,
  letter,
  disposition,
  actor,
  reason,
  to,
}: History[number]): string =>
  `  ${instantText(at)}  ${positionText(letter)} ${disposition} by ${printable(actor)}` +
  (to ? ` to ${positionText(to)}` : '') +
  (reason === '' ? '' : `: ${printable(reason)}`);

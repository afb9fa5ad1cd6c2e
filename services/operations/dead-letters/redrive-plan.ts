import type { UsageEventDecoder } from '../../shared/avro/usage-event-codec.ts';
import { unframe } from '../../shared/avro/wire-format.ts';
import {
  CONTROL_HEADER,
  type Keyring,
  type RecordHeaders,
} from '../../shared/model/control-record.ts';
import { namespaceOf, partitionOfKey, resourceKey } from '../../shared/model/placement.ts';
import { redriveHeaders, redriveKeyId, verifiedRedrive } from '../../shared/model/redrive.ts';
import type { Rules } from '../../shared/model/rules.ts';
import {
  partitionName,
  sourceFor,
  type Source,
  type SourcePartition,
} from '../../shared/model/source.ts';
import { isoText, type Millis } from '../../shared/model/time.ts';
import { placementProblem, valueProblem } from '../../shared/model/usage-event-problem.ts';
import type { Letter } from './letters.ts';
import { fail, succeed, type Failed, type Result } from '../../shared/model/result.ts';

export interface Judgement {
  readonly rules: Rules;
  readonly floor: Millis | null;
}

/** What a redrive plan depends on. */
export interface RedriveWorld {
  readonly sources: readonly Source[];
  /** What a partition judges by: its rules, and how far the ledger was trimmed. */
  readonly judgementOn: (at: SourcePartition, source: Source) => Judgement;
  readonly decoders: ReadonlyMap<number, UsageEventDecoder>;
  readonly keyring: Keyring;
  readonly now: Millis;
}

export interface RedriveRecord {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: RecordHeaders;
}

export type RedrivePlan =
  | { readonly kind: 'send'; readonly at: SourcePartition; readonly record: RedriveRecord }
  /** It would only be refused again. `force` sends it all the same. */
  | { readonly kind: 'hopeless'; readonly reason: string }
  /** It can never be sent. */
  | { readonly kind: 'impossible'; readonly reason: string };

type Refusal = Exclude<RedrivePlan, { readonly kind: 'send' }>;

const impossible = (reason: string): Refusal => ({ kind: 'impossible', reason });
const hopeless = (reason: string): Failed<Refusal> => fail({ kind: 'hopeless', reason });

/**
 * Where a redriven dead letter goes, and with which key and headers. Its bytes stay the same. The first
 * line that applies decides:
 *
 * | dead letter                                     | plan                                           |
 * |-------------------------------------------------|------------------------------------------------|
 * | claims to control                               | impossible                                     |
 * | of a history run                                | impossible: it is sealed, or its import writes it |
 * | `conflict`                                      | hopeless: its id counts with other content     |
 * | does not decode, or would be refused again      | hopeless, and why                              |
 * | event whose namespace no open live topic serves | hopeless                                       |
 * | event                                           | the topic of its namespace, the partition of its key |
 * | any of the hopeless ones, forced                | its own topic and partition, with the key it had |
 */
export const planRedrive = (letter: Letter, world: RedriveWorld, force = false): RedrivePlan => {
  if (letter.headers[CONTROL_HEADER] !== undefined) {
    return impossible('it claims to be a control record, which is never sent again');
  }
  const origin = world.sources.find(
    ({ topic, epoch }) => topic === letter.topic && epoch === letter.epoch,
  );
  if (origin?.kind === 'history') return impossible(historyReason(origin));
  const place = placeOf(letter, world);
  if (!place.ok) {
    return force ? sent(letter, world, formerPlace(letter, world), letter.key) : place.error;
  }
  const { at, key } = place.value;
  return sent(letter, world, at, key);
};

const historyReason = ({ topic, state }: Source): string =>
  state === 'sealed' || state === 'written'
    ? `history run ${topic} is ${state} and takes no more records: ` +
      'have the provider report the usage on its live topic, and discard this'
    : `history run ${topic} is ${state}: abandon it ("usagectl sources abandon"), correct the recording and import it again`;

/** Where a record can be sent, or why it cannot be sent. */
const placeOf = (
  letter: Letter,
  world: RedriveWorld,
): Result<{ readonly at: SourcePartition; readonly key: Buffer }, Refusal> => {
  if (letter.code === 'conflict') {
    return hopeless(`${letter.message}: it would be refused again`);
  }
  const framed = letter.value && unframe(letter.value);
  if (!framed) return hopeless('it is not in the Confluent wire format, and never will be');
  const decode = world.decoders.get(framed.schemaId);
  if (!decode) {
    return hopeless(
      `schema id ${String(framed.schemaId)} is not published: publish it and put it into the rules ` +
        'with "usagectl rules apply"',
    );
  }
  const decoded = decode(framed.datum);
  if (!decoded.ok) return hopeless(`it would be refused again: ${decoded.error.message}`);
  const event = decoded.value;

  const namespace = namespaceOf(event.resourceUri);
  const source = sourceFor(world.sources, namespace);
  if (!source) {
    return hopeless(
      namespace === null
        ? 'its resource URI names no provider'
        : `no open live topic serves ${JSON.stringify(namespace)}: add it to a provider, then "usagectl rules apply"`,
    );
  }
  const key = Buffer.from(resourceKey(event.resourceUri), 'utf8');
  const { topic, epoch, partitions } = source;
  const at = { topic, epoch, partition: partitionOfKey(key, partitions) };
  const { rules, floor } = world.judgementOn(at, source);
  if (!rules.schemas.some(({ id }) => id === framed.schemaId)) {
    return hopeless(
      `the rules in force on ${partitionName(at)} do not accept schema id ${String(framed.schemaId)}: "usagectl rules apply"`,
    );
  }
  const namespaces = rules.namespaces.includes('*') ? null : new Set(rules.namespaces);
  const problem =
    valueProblem(event, rules, world.now, firstReported(letter, world.keyring)) ??
    placementProblem(event, key, { partition: at.partition, partitions, namespaces });
  if (problem) return hopeless(`it would be refused again as ${problem.code}: ${problem.message}`);
  return floor !== null && event.usageStartTime < floor
    ? hopeless(`it would be refused again: the ledger is trimmed up to ${isoText(floor)}`)
    : succeed({ at, key });
};

const newest = (sources: readonly Source[]): Source | null =>
  sources.reduce<Source | null>((a, b) => (a && a.epoch > b.epoch ? a : b), null);

/** Its original partition, in the current epoch of its topic; null if there is none. */
const formerPlace = (letter: Letter, { sources }: RedriveWorld): SourcePartition | null => {
  const source = newest(
    sources.filter(
      ({ topic, state, partitions }) =>
        topic === letter.topic && state === 'open' && partitions > letter.partition,
    ),
  );
  return source && { topic: source.topic, epoch: source.epoch, partition: letter.partition };
};

const sent = (
  letter: Letter,
  { keyring }: RedriveWorld,
  at: SourcePartition | null,
  key: Buffer | null,
): RedrivePlan => {
  if (!at) return impossible(`${letter.topic} is not an open source: there is nowhere to send it`);
  const { topic, epoch, partition, offset, value } = letter;
  const origin = { topic, epoch, partition, offset, reportedTime: firstReported(letter, keyring) };
  const headers = { ...letter.headers, ...redriveHeaders(at, origin, value, keyring) };
  return { kind: 'send', at, record: { key, value, headers } };
};

/**
 * When it was first reported. A record that was redriven before keeps that time, if its signature is valid.
 */
const firstReported = (letter: Letter, keyring: Keyring): Millis => {
  const keyId = redriveKeyId(letter.headers);
  const key = keyring.find(({ id }) => id === keyId);
  const origin = key && verifiedRedrive(letter, letter.headers, letter.value, key);
  return origin?.reportedTime ?? letter.reportedTime;
};

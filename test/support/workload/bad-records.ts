import avro from 'avsc';
import {
  newestSchema,
  type PublishedSchema,
} from '../../../services/shared/avro/schema-directory.ts';
import { USAGE_EVENT_SUBJECT } from '../../../services/shared/avro/usage-event-codec.ts';
import { frame } from '../../../services/shared/avro/wire-format.ts';
import {
  CONTROL_HEADER,
  controlRecord,
  type RecordHeaders,
} from '../../../services/shared/model/control-record.ts';
import {
  QUANTITY_LIMIT,
  quantityToBytes,
  type Quantity,
} from '../../../services/shared/model/decimal.ts';
import { partitionOfKey, resourceKey } from '../../../services/shared/model/placement.ts';
import { hourOf, millis } from '../../../services/shared/model/time.ts';
import type { UsageEvent } from '../../../services/shared/model/usage-event.ts';
import type { BadKind, WorkloadTopic } from './emission.ts';
import type { Random } from './random.ts';

/** A record before anything has been spoiled: the event is valid and in its place. */
export interface Sound {
  readonly topic: WorkloadTopic;
  readonly partition: number;
  readonly key: Buffer | null;
  readonly event: UsageEvent;
}

export interface Spoiled {
  readonly partition: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: RecordHeaders;
}

type Recipe = (sound: Sound, random: Random) => Partial<Spoiled>;

/** Whether a topic can hold such a record: with one partition none is the wrong one, and so on. */
export const isPossible = (kind: BadKind, topic: WorkloadTopic): boolean => {
  if (kind === 'wrong-partition') return topic.partitions > 1;
  if (kind === 'wrong-provider') return !topic.namespaces.includes('*');
  return true;
};

export type Spoil = (kind: BadKind, sound: Sound, random: Random) => Spoiled;

export const spoiler = (
  schemas: readonly PublishedSchema[],
  encode: (event: UsageEvent) => Buffer,
): Spoil => {
  const recipes = recipesFor(schemas, encode);
  return (kind, sound, random) => ({
    partition: sound.partition,
    key: sound.key,
    value: encode(sound.event),
    headers: {},
    ...recipes[kind](sound, random),
  });
};

const UNKNOWN_SCHEMA_IDS = [0, 999_999, 0xffffffff];

/** Stands for a text that is no UTF-8, until its bytes are replaced. */
const PLACEHOLDER = '<not utf-8>';
const NOT_UTF8 = Buffer.from('c0af edbf bfff fe80 61f0 28'.replaceAll(' ', ''), 'hex');

const recipesFor = (
  schemas: readonly PublishedSchema[],
  encode: (event: UsageEvent) => Buffer,
): Readonly<Record<BadKind, Recipe>> => {
  const newest = newestSchema(schemas, USAGE_EVENT_SUBJECT);
  const type = avro.Type.forSchema(newest.definition as avro.Schema, { registry: {} });
  const datumOf = (event: UsageEvent, quantity: Buffer): Buffer =>
    type.toBuffer({ ...event, eventId: Buffer.from(event.eventId), quantity });

  const withEvent = (sound: Sound, changes: Partial<UsageEvent>): Partial<Spoiled> => ({
    value: encode({ ...sound.event, ...changes }),
  });
  const withQuantity = (sound: Sound, quantity: Buffer): Partial<Spoiled> => ({
    value: frame(newest.id, datumOf(sound.event, quantity)),
  });
  const atHome = (sound: Sound, changes: Partial<UsageEvent>): Partial<Spoiled> => {
    const event = { ...sound.event, ...changes };
    const key = resourceKey(event.resourceUri);
    return {
      value: encode(event),
      key: Buffer.from(key, 'utf8'),
      partition: partitionOfKey(key, sound.topic.partitions),
    };
  };
  const identity = (random: Random): 'subscriptionId' | 'meterId' | 'resourceUri' =>
    random.pick(['subscriptionId', 'meterId', 'resourceUri'] as const);

  return {
    'no-avro': (_, random) => ({
      value: random.pick([
        null,
        Buffer.alloc(0),
        Buffer.from([0, 0, 0]),
        Buffer.from('{"quantity": 1}', 'utf8'),
        Buffer.concat([Buffer.from([1 + random.below(255)]), random.bytes(random.below(200))]),
      ]),
    }),
    truncated: ({ event }, random) => {
      const whole = encode(event);
      return { value: whole.subarray(0, random.below(whole.length)) };
    },
    'trailing-bytes': ({ event }, random) => ({
      value: Buffer.concat([encode(event), random.bytes(1 + random.below(20))]),
    }),
    'unknown-schema': ({ event }, random) => ({
      value: frame(random.pick(UNKNOWN_SCHEMA_IDS), encode(event).subarray(5)),
    }),
    'bad-utf8': ({ event }, random) => {
      const field = random.pick([
        'subscriptionId',
        'meterId',
        'resourceUri',
        'location',
        'tags',
        'additionalInfo',
      ] as const);
      const value = encode({ ...event, [field]: PLACEHOLDER });
      NOT_UTF8.copy(value, value.indexOf(PLACEHOLDER), 0, PLACEHOLDER.length);
      return { value };
    },
    'control-in-identity': (sound, random) => {
      const field = identity(random);
      const unfit = random.pick([
        '\0',
        '\t',
        '\n',
        '\u0001',
        '\u001b',
        '\u007f',
        '\u0085',
        '\u009f',
        '\u2028',
      ]);
      return atHome(sound, { [field]: `${sound.event[field]}${unfit}` });
    },
    'empty-identity': (sound, random) => withEvent(sound, { [identity(random)]: '' }),
    'overlong-identity': (sound, random) =>
      withEvent(sound, { [identity(random)]: random.pick(['x'.repeat(1025), 'é'.repeat(513)]) }),
    'start-not-before-end': (sound, random) => {
      const { usageStartTime } = sound.event;
      return withEvent(sound, { usageEndTime: millis(usageStartTime - random.below(2)) });
    },
    'spans-hours': (sound, random) => {
      const { hourMillis } = sound.topic;
      const end = hourOf(sound.event.usageStartTime, hourMillis) + hourMillis;
      return withEvent(sound, { usageEndTime: millis(end + 1 + random.below(hourMillis)) });
    },
    'long-form-decimal': (sound) =>
      withQuantity(sound, Buffer.concat([Buffer.from([0]), quantityToBytes(sound.event.quantity)])),
    'decimal-of-33-bytes': (sound, random) =>
      withQuantity(sound, Buffer.concat([Buffer.from([1]), random.bytes(32)])),
    'decimal-of-0-bytes': (sound) => withQuantity(sound, Buffer.alloc(0)),
    negative: (sound, random) =>
      withEvent(sound, { quantity: -BigInt(1 + random.below(1_000_000)) as Quantity }),
    'too-large': (sound, random) =>
      withEvent(sound, {
        quantity: (QUANTITY_LIMIT + BigInt(random.below(1_000_000))) as Quantity,
      }),
    'wrong-key': ({ event, key }, random) => ({
      key: random.pick([
        null,
        Buffer.alloc(0),
        Buffer.from(event.resourceUri.toUpperCase(), 'utf8'),
        Buffer.concat([key ?? Buffer.alloc(0), Buffer.from('/')]),
        Buffer.from(event.subscriptionId, 'utf8'),
      ]),
    }),
    'wrong-partition': ({ topic, partition }, random) => ({
      partition: (partition + 1 + random.below(topic.partitions - 1)) % topic.partitions,
    }),
    'wrong-provider': (sound, random) => {
      const place = `/subscriptions/${sound.event.subscriptionId}/resourceGroups/rg`;
      return atHome(sound, {
        resourceUri: random.pick([`${place}/providers/Microsoft.Elsewhere/things/1`, place]),
      });
    },
    'wrong-subscription': (sound, random) =>
      random.chance(0.5)
        ? withEvent(sound, { subscriptionId: '00000000-0000-4000-8000-000000000000' })
        : atHome(sound, { resourceUri: `/tenants/x${sound.event.resourceUri}` }),
    'forged-control': ({ topic, partition, key }, random) => {
      const kind = random.pick(['tick', 'end', 'rules', 'floor'] as const);
      const forger = { id: random.pick(['main', 'test', 'nobody']), secret: random.bytes(32) };
      const forged = controlRecord(kind, { ...topic, partition }, '{}', [forger]);
      return {
        key: random.pick([null, key]),
        value: forged.value,
        headers: random.pick([forged.headers, { [CONTROL_HEADER]: kind }]),
      };
    },
  };
};

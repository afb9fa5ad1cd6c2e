import {
  controlRecord,
  type ControlKind,
  type Keyring,
} from '../../services/shared/model/control-record.ts';
import { partitionOfKey } from '../../services/shared/model/placement.ts';
import { REDRIVE_HEADERS } from '../../services/shared/model/redrive.ts';
import type { SourcePartition } from '../../services/shared/model/source.ts';
import { seededRandom, weightedChoice, type Random } from '../support/workload/random.ts';
import type { JudgedTopic } from './hostile-judge.ts';
import {
  blockBytes,
  FIELDS,
  framed,
  longBytes,
  rawDatum,
  rawField,
  type RawEvent,
  type RawField,
} from './raw-event.ts';
import { timeOf } from '../../services/shared/model/time-text.ts';

export type HeaderValue = string | Buffer | (string | Buffer)[];

/** A record to be sent to one partition, and what it must become where that is known beforehand. */
export interface HostileRecord {
  readonly family: Family;
  readonly partition: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, HeaderValue>>;
  /** `event` is accepted or a duplicate; null is for the judge alone to say. */
  readonly expected: string | null;
}

/** How often each family comes. Large ones are rare: each is 1 MiB. */
const WEIGHTS = {
  event: 24,
  resent: 6,
  conflict: 3,
  'other-case': 2,
  'odd-text': 6,
  noise: 6,
  'framed-noise': 5,
  mutated: 10,
  'mutated-field': 6,
  truncated: 6,
  spliced: 3,
  'absent-schema': 3,
  'odd-decimal': 6,
  'odd-time': 6,
  'far-time': 6,
  'odd-length': 4,
  'odd-number': 3,
  'odd-branch': 2,
  'odd-identity': 4,
  'odd-place': 5,
  'forged-control': 6,
  'replayed-control': 1,
  'odd-headers': 3,
  large: 0.02,
} as const;

export type Family = keyof typeof WEIGHTS;

const SUBSCRIPTIONS = [
  '0f723db3-b972-4e48-9aaa-614b04457bf2',
  '7C1D2A90-1111-4222-8333-ABCDEFABCDEF',
  '11111111-2222-4333-8444-555555555555',
];
const METERS = [
  'FAB6EB84-500B-4A09-A8CA-7358F8BBAEA5',
  '9CD92D4C-BAFD-4492-B278-BEDC2DE8232A',
  'x',
];

const DAY = 86_400_000;
const YEAR_1 = BigInt(timeOf('0001-01-01T00:00:00Z'));
const YEAR_9999 = BigInt(timeOf('9999-12-31T23:00:00Z'));
/** The last instant that a date of JavaScript names. */
const LAST_DATE = 8_640_000_000_000_000n;
const in64Bits = (value: bigint): bigint =>
  value >= 1n << 63n ? (1n << 63n) - 1n : value < -(1n << 63n) ? -(1n << 63n) : value;
/** Leaves room for the rest of a record within the 1,048,588 bytes that a topic takes. */
const LARGE_BYTES = 1_046_000;
/** A character that no name may hold. */
const CONTROL_CHARACTER = '\u0001';

const NAMES: readonly RawField[] = ['subscriptionId', 'meterId', 'resourceUri'];
const TEXTS: readonly RawField[] = ['location', 'tags', 'additionalInfo'];

const ODD_TEXTS = [
  '',
  '\0',
  '\ufeff',
  'null',
  '\\N',
  '"\'`\\',
  '\t\r\n',
  '\u2028\u2029',
  '\ud83d\ude00',
  '\u{10ffff}',
  '\uffff',
  '\u0001\u001f\u007f',
  "'; DROP TABLE usage_events; --",
  '{tags:String}',
  '\u202eright to left',
  'e\u0301',
  '\u212a',
].map((text) => Buffer.from(text, 'utf8'));

const NOT_UTF8 = ['c0af', 'eda080', 'f4908080', '80', 'ff', 'c3', 'f09f98', 'edbfbf'].map((hex) =>
  Buffer.from(hex, 'hex'),
);

const decimalBytes = (value: bigint): Buffer => {
  let hex = value.toString(16);
  if (hex.length % 2 === 1) hex = `0${hex}`;
  return Buffer.from(hex.charCodeAt(0) >= 0x38 ? `00${hex}` : hex, 'hex');
};

const one = 10n ** 30n;
const LIMIT = 10n ** 45n;

const asciiLower = (text: string): string => text.replace(/[A-Z]/g, (char) => char.toLowerCase());

const keyOf = (event: RawEvent): Buffer =>
  Buffer.from(asciiLower(event.resourceUri.toString('utf8')), 'utf8');

export interface HostileOptions {
  readonly seed: number;
  readonly topic: JudgedTopic;
  /** The clock by which events are dated. */
  readonly now: () => number;
  /** Adds to how often records of 1 MiB come. */
  readonly weights?: Readonly<Partial<Record<Family, number>>>;
}

/** Makes hostile records for one topic, the same ones for the same seed and clock. */
export class HostileRecords {
  private readonly random: Random;
  private readonly topic: JudgedTopic;
  private readonly now: () => number;
  private readonly choose: (random: Random) => Family;
  private readonly recent: HostileRecord[] = [];
  private readonly recentEvents: RawEvent[] = [];

  constructor({ seed, topic, now, weights = {} }: HostileOptions) {
    this.random = seededRandom(seed);
    this.topic = topic;
    this.now = now;
    this.choose = weightedChoice<Family>({ ...WEIGHTS, ...weights });
  }

  next(): HostileRecord {
    const record = this.of(this.choose(this.random));
    if (this.recent.length < 500) this.recent.push(record);
    else if (record.family !== 'large') this.recent[this.random.below(500)] = record;
    return record;
  }

  of(family: Family): HostileRecord {
    return { headers: {}, ...this.recipe(family), family };
  }

  private recipe(
    family: Family,
  ): Omit<HostileRecord, 'family' | 'headers'> & Partial<Pick<HostileRecord, 'headers'>> {
    const { random, topic } = this;
    const event = this.event();
    switch (family) {
      case 'event':
        this.remember(event);
        return this.sent(event, 'event');
      case 'resent':
        return this.sent(this.earlier(), null);
      case 'conflict':
        return this.sent(
          { ...this.earlier(), location: Buffer.from(random.bytes(4).toString('hex'), 'utf8') },
          null,
        );
      case 'other-case':
        return this.sent(this.inOtherCase(this.earlier()), null);
      case 'odd-text':
        return this.oddText(event);
      case 'noise':
        return {
          ...this.anywhere(event),
          value: random.chance(0.05) ? null : random.bytes(random.below(300)),
          expected: null,
        };
      case 'framed-noise':
        return {
          ...this.anywhere(event),
          value: framed(random.bytes(random.below(400))),
          expected: null,
        };
      case 'mutated':
        return {
          ...this.anywhere(event),
          value: this.mutated(framed(rawDatum(event))),
          expected: null,
        };
      case 'mutated-field': {
        const field = random.pick(FIELDS);
        const given = this.mutated(rawField(event, field));
        return {
          ...this.anywhere(event),
          value: framed(rawDatum(event, { [field]: given })),
          expected: null,
        };
      }
      case 'truncated': {
        const whole = framed(rawDatum(event));
        return {
          ...this.anywhere(event),
          value: whole.subarray(0, random.below(whole.length)),
          expected: 'malformed',
        };
      }
      case 'spliced': {
        const [a, b] = [framed(rawDatum(event)), framed(rawDatum(this.event()))];
        const value = Buffer.concat([
          a.subarray(0, random.below(a.length)),
          b.subarray(random.below(b.length)),
        ]);
        return { ...this.anywhere(event), value, expected: null };
      }
      case 'absent-schema': {
        const id = random.pick([0, 2, 3, 256, 0x01000000, 0x7fffffff, 0x80000000, 0xffffffff]);
        return {
          ...this.anywhere(event),
          value: framed(rawDatum(event), id),
          expected: 'unknown-schema',
        };
      }
      case 'odd-decimal':
        return this.oddDecimal(event);
      case 'odd-time':
        return this.oddTime(event);
      case 'far-time':
        return this.farTime(event);
      case 'odd-length':
        return this.oddLength(event);
      case 'odd-number':
        return this.oddNumber(event);
      case 'odd-branch': {
        const branch = longBytes(random.pick([2n, -1n, 63n, 1n << 31n, 1n << 62n]));
        const given = Buffer.concat([branch, random.bytes(random.below(8))]);
        const field = random.pick(['tags', 'additionalInfo'] as const);
        return {
          ...this.anywhere(event),
          value: framed(rawDatum(event, { [field]: given })),
          expected: 'malformed',
        };
      }
      case 'odd-identity':
        return this.oddIdentity(event);
      case 'odd-place':
        return this.oddPlace(event);
      case 'forged-control':
        return { ...this.forged(event), expected: 'forged-control' };
      case 'replayed-control': {
        const at = this.placeAt(random.below(topic.partitions));
        const isTick = random.chance(0.5);
        const kind = isTick
          ? 'tick'
          : random.pick(['rules', 'carry', 'closed', 'nonsense', 'floor ', '']);
        const { value, headers } = controlRecord(
          kind as ControlKind,
          at,
          '{"not":"rules"}',
          this.keyring(),
        );
        return {
          partition: at.partition,
          key: null,
          value,
          headers,
          expected: isTick ? 'control' : 'invalid-control',
        };
      }
      case 'odd-headers':
        return this.oddHeaders(event);
      case 'large':
        return this.large(event);
    }
  }

  private keyring(): Keyring {
    return [this.topic.key];
  }

  private placeAt(partition: number): SourcePartition {
    return { topic: this.topic.topic, epoch: this.topic.epoch, partition };
  }

  /** A valid event in the recent past; few are older. */
  private event(): RawEvent {
    const { random, topic } = this;
    const subscription = random.pick(SUBSCRIPTIONS);
    const name = random.pick(['vm', 'Disk', 'é', 'a b', '%2F']);
    const namespace = random.pick(['Microsoft.Compute', 'microsoft.compute', 'MICROSOFT.NETWORK']);
    const uri = `/subscriptions/${subscription}/resourceGroups/RG/providers/${namespace}/things/${name}${String(random.below(300))}`;
    const back = random.chance(0.002) ? random.below(44 * DAY) : random.below(600_000);
    const instant = this.now() - 1_000 - back;
    const start = BigInt(instant - (instant % topic.hourMillis));
    const length = random.chance(0.5) ? topic.hourMillis : 1 + random.below(topic.hourMillis);
    return {
      eventId: random.bytes(16),
      subscriptionId: Buffer.from(subscription, 'utf8'),
      meterId: Buffer.from(random.pick(METERS), 'utf8'),
      resourceUri: Buffer.from(uri, 'utf8'),
      usageStartTime: start,
      usageEndTime: start + BigInt(length),
      quantity: decimalBytes(BigInt(random.below(1_000_000)) * (one / 1_000n)),
      location: Buffer.from('local', 'utf8'),
      tags: random.chance(0.5) ? null : Buffer.from('{"a":"b"}', 'utf8'),
      additionalInfo: random.chance(0.8) ? null : Buffer.from('{}', 'utf8'),
    };
  }

  private remember(event: RawEvent): void {
    if (this.recentEvents.length < 1_000) this.recentEvents.push(event);
    else this.recentEvents[this.random.below(1_000)] = event;
  }

  private earlier(): RawEvent {
    return this.recentEvents.length > 0 ? this.random.pick(this.recentEvents) : this.event();
  }

  /** On the partition of its key, or now and then on another one with another key. */
  private anywhere(event: RawEvent): { readonly partition: number; readonly key: Buffer | null } {
    const { random, topic } = this;
    if (random.chance(0.9)) return this.athome(event);
    return {
      partition: random.below(topic.partitions),
      key: random.pick([null, Buffer.alloc(0), random.bytes(20), keyOf(event)]),
    };
  }

  private athome(event: RawEvent): { readonly partition: number; readonly key: Buffer } {
    const key = keyOf(event);
    return { key, partition: partitionOfKey(key, this.topic.partitions) };
  }

  private sent(event: RawEvent, expected: string | null) {
    return { ...this.athome(event), value: framed(rawDatum(event)), expected };
  }

  private inOtherCase(event: RawEvent): RawEvent {
    const upper = (bytes: Buffer): Buffer =>
      Buffer.from(bytes.map((byte) => (byte >= 0x61 && byte <= 0x7a ? byte - 0x20 : byte)));
    return {
      ...event,
      subscriptionId: upper(event.subscriptionId),
      resourceUri: upper(event.resourceUri),
    };
  }

  private oddText(event: RawEvent) {
    const { random } = this;
    const field = random.pick(TEXTS);
    if (random.chance(0.5))
      return this.sent({ ...event, [field]: random.pick(ODD_TEXTS) }, 'event');
    const text = Buffer.concat([random.pick(ODD_TEXTS), random.pick(NOT_UTF8)]);
    return this.sent(
      { ...event, [random.chance(0.5) ? field : random.pick(NAMES)]: text },
      'invalid-text',
    );
  }

  private mutated(value: Buffer): Buffer {
    const { random } = this;
    let bytes = Buffer.from(value);
    for (let n = 1 + random.below(4); n > 0; n--) {
      const at = random.below(bytes.length);
      const rest = bytes.subarray(at);
      switch (random.below(4)) {
        case 0:
          bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
          break;
        case 1:
          bytes[at] = random.pick([0, 1, 0x7f, 0x80, 0xff]);
          break;
        case 2:
          bytes = Buffer.concat([bytes.subarray(0, at), random.bytes(1 + random.below(4)), rest]);
          break;
        default:
          if (bytes.length > 8) bytes = Buffer.concat([bytes.subarray(0, at), rest.subarray(1)]);
      }
    }
    return bytes;
  }

  private oddDecimal(event: RawEvent) {
    const { random } = this;
    const [quantity, expected] = random.pick<readonly [Buffer, string]>([
      [Buffer.alloc(0), 'invalid-quantity'],
      [Buffer.alloc(33, 1), 'invalid-quantity'],
      [random.bytes(1_000), 'invalid-quantity'],
      [Buffer.alloc(1_000), 'invalid-quantity'],
      [Buffer.from([0, 0x7f]), 'invalid-quantity'],
      [Buffer.from([0xff, 0x80]), 'invalid-quantity'],
      [Buffer.from([0xff]), 'negative-quantity'],
      [Buffer.from([0x80, ...Buffer.alloc(31)]), 'negative-quantity'],
      [Buffer.from([0x7f, ...Buffer.alloc(31, 0xff)]), 'quantity-too-large'],
      [decimalBytes(LIMIT), 'quantity-too-large'],
      [decimalBytes(LIMIT - 1n), 'event'],
      [decimalBytes(1n), 'event'],
      [Buffer.from([0]), 'event'],
    ]);
    return this.sent({ ...event, quantity }, expected);
  }

  private oddTime(event: RawEvent) {
    const { random, topic } = this;
    const hour = BigInt(topic.hourMillis);
    const { usageStartTime: start } = event;
    const at = (from: bigint, until: bigint, expected: string | null) =>
      this.sent({ ...event, usageStartTime: from, usageEndTime: until }, expected);
    switch (random.below(8)) {
      case 0:
        return at(YEAR_1, YEAR_1 + 1n, 'too-old');
      case 1:
        return at(YEAR_9999, YEAR_9999 + 1n, 'in-future');
      case 2:
        return at(YEAR_1, YEAR_9999, 'spans-hours');
      case 3:
        return at(start, start, 'invalid-period');
      case 4:
        return at(start, start - 1n - BigInt(random.below(1_000_000)), 'invalid-period');
      case 5:
        return at(start, start + hour + 1n, 'spans-hours');
      case 6:
        return at(-1n, 0n, 'too-old');
      default:
        return at(start + hour - 1n, start + hour, null);
    }
  }

  /** Near the ends of what a date, a double and 64 bits hold. */
  private farTime(event: RawEvent) {
    const { random, topic } = this;
    const far = (): bigint => {
      const edge = random.pick([0n, 1n << 52n, 1n << 53n, 1n << 62n, 1n << 63n, LAST_DATE]);
      return in64Bits(random.pick([1n, -1n]) * edge + BigInt(random.below(17) - 8));
    };
    const usageStartTime = random.chance(0.9) ? far() : event.usageStartTime;
    const length = BigInt(random.pick([-1, 0, 1, 2, topic.hourMillis - 1, topic.hourMillis]));
    const usageEndTime = random.chance(0.8) ? in64Bits(usageStartTime + length) : far();
    return this.sent({ ...event, usageStartTime, usageEndTime }, null);
  }

  private oddLength(event: RawEvent) {
    const { random } = this;
    const field = random.pick([...NAMES, 'quantity', 'location'] as const);
    const length = random.pick([
      -1n,
      -2n,
      -16n,
      1n << 31n,
      1n << 32n,
      1n << 53n,
      1n << 62n,
      -(1n << 63n),
    ]);
    const given = blockBytes(event[field] as Buffer, length);
    return {
      ...this.anywhere(event),
      value: framed(rawDatum(event, { [field]: given })),
      expected: 'malformed',
    };
  }

  /** Numbers in more bytes than they need: see `strict-avro.ts`. */
  private oddNumber(event: RawEvent) {
    const { random } = this;
    const bytes = random.pick([7, 8, 9, 10, 11, 20, 200]);
    const field = random.pick(['usageStartTime', 'usageEndTime'] as const);
    const value = framed(rawDatum(event, { [field]: longBytes(event[field], bytes) }));
    // Ten groups of seven bits hold 64: a longer number is none.
    return { ...this.athome(event), value, expected: bytes <= 10 ? 'event' : 'malformed' };
  }

  private oddIdentity(event: RawEvent) {
    const { random } = this;
    const field = random.pick(NAMES);
    const [text, expected] = random.pick<readonly [Buffer, string | null]>([
      [Buffer.alloc(0), 'invalid-identity'],
      [Buffer.alloc(1_025, 'x'), 'invalid-identity'],
      [Buffer.from('é'.repeat(513), 'utf8'), 'invalid-identity'],
      [Buffer.alloc(1_024, 'x'), null],
      [Buffer.from('\0', 'utf8'), 'invalid-text'],
      [
        Buffer.from(
          `name${random.pick(['\t', '\n', '\u0001', '\u001b[2J', '\u007f', '\u0085', '\u009b', '\u2028'])}`,
        ),
        'invalid-text',
      ],
      [random.pick(ODD_TEXTS), null],
    ]);
    return this.sent({ ...event, [field]: text }, expected);
  }

  private oddPlace(event: RawEvent) {
    const { random, topic } = this;
    const subscription = event.subscriptionId.toString('utf8');
    const uri = (text: string): RawEvent => ({ ...event, resourceUri: Buffer.from(text, 'utf8') });
    const home = this.athome(event);
    const value = framed(rawDatum(event));
    const root = `/subscriptions/${subscription}`;
    switch (random.below(9)) {
      case 0:
        return { ...home, key: event.resourceUri, value, expected: 'wrong-key' };
      case 1:
        return { ...home, key: null, value, expected: 'wrong-key' };
      case 2:
        return topic.partitions === 1
          ? this.sent(event, 'event')
          : {
              ...home,
              partition: (home.partition + 1) % topic.partitions,
              value,
              expected: 'wrong-partition',
            };
      case 3:
        return this.sent(uri(`${root}/providers/Microsoft.Storage/x`), 'wrong-provider');
      case 4:
        return this.sent(uri(root), 'wrong-provider');
      case 5:
        return this.sent(uri(`${root}/providers//providers/Microsoft.Compute/x`), 'wrong-provider');
      case 6:
        // The Kelvin sign becomes a k in Unicode's lower case, and not in ASCII's.
        return this.sent(uri(`${root}/providers/Microsoft.Networ\u212a/x`), 'wrong-provider');
      case 7:
        return this.sent(
          uri(`/subscriptions/nobody/providers/Microsoft.Compute/x`),
          'wrong-subscription',
        );
      default:
        return this.sent(uri(`/x${root}/providers/Microsoft.Compute/x`), 'wrong-subscription');
    }
  }

  private forged(event: RawEvent) {
    const { random, topic } = this;
    const home = this.placeAt(random.below(topic.partitions));
    const kind = random.pick([
      'rules',
      'tick',
      'end',
      'floor',
      'closed',
      'carry',
      'Tick',
      '',
    ]) as ControlKind;
    const body = random.pick([
      '',
      '{}',
      '{"floor":9007199254740991}',
      random.bytes(50).toString('latin1'),
    ]);
    const secret = this.topic.key;
    const sign = (at: SourcePartition, key: Keyring[0]) => controlRecord(kind, at, body, [key]);
    const made = random.pick([
      () => sign(home, { id: secret.id, secret: random.bytes(32) }),
      () => sign(home, { id: 'nobody', secret: secret.secret }),
      () => sign({ ...home, epoch: home.epoch + 1 }, secret),
      () => sign({ ...home, partition: home.partition + 1 }, secret),
      () => sign({ ...home, topic: `${home.topic}x` }, secret),
      () => ({ ...sign(home, secret), value: Buffer.from(`${body} `, 'utf8') }),
      () => ({ value: Buffer.from(body, 'utf8'), headers: { 'usage-control': kind } }),
      () => ({
        value: framed(rawDatum(event)),
        headers: {
          'usage-control': kind,
          'usage-control-key': secret.id,
          'usage-control-signature': random.bytes(40).toString('latin1'),
        },
      }),
      () => ({ value: null, headers: { 'usage-control': kind, 'usage-control-key': secret.id } }),
    ])();
    const key = random.chance(0.5) ? null : keyOf(event);
    return { partition: home.partition, key, value: made.value, headers: made.headers };
  }

  private oddHeaders(event: RawEvent) {
    const { random } = this;
    const origin = { topic: this.topic.topic, epoch: 1, partition: 0, offset: 1, reportedTime: 0 };
    const headers = random.pick<Readonly<Record<string, HeaderValue>>>([
      { ['__proto__']: 'x', constructor: 'y', toString: 'z' },
      { '': '' },
      { bytes: random.bytes(30) },
      { 'Usage-Control': 'tick' },
      { 'usage-control-key': this.topic.key.id },
      { many: ['a', 'b', random.bytes(3)] },
      { 'usage-dlq-code': 'malformed' },
      { long: 'x'.repeat(70_000) },
    ]);
    if (random.chance(0.5)) return { ...this.sent(event, 'event'), headers };
    // Nobody makes usage younger by claiming an earlier report.
    const old = { ...event, usageStartTime: -1n, usageEndTime: 0n };
    const claim = {
      [REDRIVE_HEADERS.origin]: random.pick([JSON.stringify(origin), '{', '']),
      [REDRIVE_HEADERS.key]: this.topic.key.id,
      [REDRIVE_HEADERS.signature]: random.bytes(32).toString('hex'),
    };
    return { ...this.sent(old, 'too-old'), headers: { ...headers, ...claim } };
  }

  private large(event: RawEvent) {
    const { random } = this;
    const filler = random.pick(['x', '"', CONTROL_CHARACTER, 'é']);
    const text = Buffer.from(filler.repeat(LARGE_BYTES / Buffer.byteLength(filler)), 'utf8');
    const field = random.pick([...NAMES, ...TEXTS, ...TEXTS]);
    const large = { ...event, [field]: text };
    switch (random.below(6)) {
      case 0:
        return {
          ...this.athome(event),
          value: Buffer.alloc(LARGE_BYTES, 0x80),
          expected: 'malformed',
        };
      case 1:
        return { ...this.athome(event), value: framed(random.bytes(LARGE_BYTES)), expected: null };
      case 2:
        return {
          ...this.athome(event),
          key: text,
          value: framed(rawDatum(event)),
          expected: 'wrong-key',
        };
      default:
        return {
          ...this.athome(event),
          value: framed(rawDatum(large)),
          expected: largeFate(field, filler),
        };
    }
  }
}

/** Names may hold no control character, and that is looked at before their length. */
function largeFate(field: string, filler: string): string {
  if (!NAMES.some((name) => name === field)) return 'text-too-long';
  return filler === CONTROL_CHARACTER ? 'invalid-text' : 'invalid-identity';
}

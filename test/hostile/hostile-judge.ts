import { createHash, createHmac } from 'node:crypto';
import type { ControlKey } from '../../services/shared/model/control-record.ts';
import type { LogRecord } from '../../services/shared/model/log-record.ts';
import { partitionOfKey } from '../../services/shared/model/placement.ts';
import type { Source } from '../../services/shared/model/source.ts';
import { strictEvent, type StrictEvent } from './strict-avro.ts';

/** What becomes of a record: one of the four counts, a dead letter under its code. */
export type Fate = 'accepted' | 'duplicate' | 'control' | (string & {});

/** What the judge is told of a topic; everything else it works out by itself. */
export interface JudgedTopic extends Pick<Source, 'topic' | 'epoch' | 'partitions' | 'hourMillis'> {
  readonly namespaces: readonly string[];
  readonly firstHour: number;
  readonly maxUsageAgeMillis: number;
  readonly schemaIds: readonly number[];
  readonly key: ControlKey;
}

const LIMIT = 10n ** 45n;
const MAX_IDENTITY = 1024;
const IDENTITIES = ['subscriptionId', 'meterId', 'resourceUri'] as const;

/** U+0000 to U+001F, U+007F to U+009F, U+2028 and U+2029 in UTF-8, a letter for each byte. */
const UNFIT = /[\0-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xa8\xa9]/;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const textOf = (bytes: Buffer | null): string | null =>
  bytes === null ? null : utf8.decode(bytes);

const isText = (bytes: Buffer | null): boolean => {
  try {
    textOf(bytes);
    return true;
  } catch {
    return false;
  }
};

const lower = (text: string): string => text.replace(/[A-Z]/g, (char) => char.toLowerCase());

/** The value of the shortest two's complement form; null where the bytes are no such form. */
const decimalOf = (bytes: Buffer): bigint | null => {
  if (bytes.length < 1 || bytes.length > 32) return null;
  let value = 0n;
  for (const byte of bytes) value = value * 256n + BigInt(byte);
  if ((bytes[0] ?? 0) >= 0x80) value -= 1n << BigInt(8 * bytes.length);
  if (bytes.length === 1) return value;
  const half = 1n << BigInt(8 * (bytes.length - 1) - 1);
  return value >= -half && value < half ? null : value;
};

/**
 * Judges the log of one partition of a live topic, record by record, by what docs/dead-letters.md and
 * the tables above `advance` and `classify` say, with none of their code.
 */
export class HostileJudge {
  private readonly topic: JudgedTopic;
  private readonly partition: number;
  private readonly seen = new Map<string, string>();
  private watermark: number;
  private rules: string | null = null;

  constructor(topic: JudgedTopic, partition: number) {
    this.topic = topic;
    this.partition = partition;
    this.watermark = topic.firstHour;
  }

  judge(record: LogRecord): Fate {
    this.watermark = Math.max(this.watermark, record.timestamp);
    if (record.headers['usage-control'] !== undefined) return this.control(record);
    if (this.rules === null) return 'no-rules';
    const { value } = record;
    if (value === null || value.length < 5 || value[0] !== 0) return 'malformed';
    if (!this.topic.schemaIds.includes(value.readUInt32BE(1))) return 'unknown-schema';
    const event = strictEvent(value.subarray(5));
    return event ? this.event(event, record.key) : 'malformed';
  }

  private control({ headers, value }: LogRecord): Fate {
    const { topic, epoch, key } = this.topic;
    const kind = headers['usage-control'] ?? '';
    const signature = createHmac('sha256', key.secret)
      .update(`${kind}\n${key.id}\n${topic}/${String(epoch)}[${String(this.partition)}]\n`)
      .update(value ?? '')
      .digest('hex');
    const isSigned =
      headers['usage-control-key'] === key.id &&
      headers['usage-control-signature']?.toLowerCase() === signature;
    if (!isSigned) return 'forged-control';
    if (kind === 'tick') return 'control';
    if (kind !== 'rules') return 'invalid-control';
    // The first rules count; the same again do nothing; what else is signed here is unreadable.
    const text = value?.toString('utf8') ?? '';
    this.rules ??= text;
    return this.rules === text ? 'control' : 'invalid-control';
  }

  private event(event: StrictEvent, key: Buffer | null): Fate {
    const { hourMillis, maxUsageAgeMillis } = this.topic;
    const { usageStartTime: start, usageEndTime: end } = event;
    const texts = [...IDENTITIES.map((name) => event[name]), event.location];
    if (![...texts, event.tags, event.additionalInfo].every(isText)) return 'invalid-text';
    for (const name of IDENTITIES) {
      if (UNFIT.test(event[name].toString('latin1'))) return 'invalid-text';
      if (event[name].length === 0 || event[name].length > MAX_IDENTITY) return 'invalid-identity';
    }
    if (event.location.length > MAX_IDENTITY) return 'text-too-long';
    if ([event.tags, event.additionalInfo].some((text) => (text?.length ?? 0) > 65_536))
      return 'text-too-long';
    if (start >= end) return 'invalid-period';
    const hour = BigInt(hourMillis);
    const into = ((start % hour) + hour) % hour;
    if (end > start - into + hour) return 'spans-hours';
    if (start > BigInt(this.watermark)) return 'in-future';
    if (BigInt(this.watermark) - start > BigInt(maxUsageAgeMillis)) return 'too-old';
    const quantity = decimalOf(event.quantity);
    if (quantity === null) return 'invalid-quantity';
    if (quantity < 0n) return 'negative-quantity';
    if (quantity >= LIMIT) return 'quantity-too-large';
    return this.placement(event, key) ?? this.once(event);
  }

  private placement(event: StrictEvent, key: Buffer | null): string | null {
    const { partitions, namespaces } = this.topic;
    const uri = lower(event.resourceUri.toString('utf8'));
    if (key?.equals(Buffer.from(uri, 'utf8')) !== true) return 'wrong-key';
    if (partitionOfKey(key, partitions) !== this.partition) return 'wrong-partition';
    const namespace = uri.split('/providers/').slice(1).join('/providers/').split('/')[0] ?? '';
    if (!namespaces.includes(namespace)) return 'wrong-provider';
    const [root, subscriptions, subscription = ''] = uri.split('/');
    const isOwn =
      root === '' &&
      subscriptions === 'subscriptions' &&
      subscription !== '' &&
      subscription === lower(event.subscriptionId.toString('utf8'));
    return isOwn ? null : 'wrong-subscription';
  }

  private once(event: StrictEvent): Fate {
    const id = event.eventId.toString('latin1');
    const hour = String(event.usageStartTime / BigInt(this.topic.hourMillis));
    const content = contentOf(event);
    const name = `${hour} ${id}`;
    const earlier = this.seen.get(name);
    if (earlier === undefined) {
      this.seen.set(name, content);
      return 'accepted';
    }
    return earlier === content ? 'duplicate' : 'conflict';
  }
}

const contentOf = (event: StrictEvent): string => {
  const hash = createHash('sha1');
  for (const name of IDENTITIES) hash.update(`${lower(event[name].toString('utf8'))}\0`);
  hash.update(`${String(event.usageStartTime)} ${String(event.usageEndTime)} `);
  for (const part of [event.quantity, event.location, event.tags, event.additionalInfo]) {
    hash.update(part === null ? '-' : `${String(part.length)}:`).update(part ?? '');
  }
  return hash.digest('base64');
};

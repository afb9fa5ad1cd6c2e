import {
  CONTROL_HEADER,
  controlKeyId,
  isSignedFor,
  keyFingerprint,
  type Keyring,
} from '../../shared/model/control-record.ts';
import type { PublishedSchema } from '../../shared/avro/schema-directory.ts';
import type { DeadLetterCode } from '../../shared/model/dead-letter.ts';
import { addQuantities, type Quantity } from '../../shared/model/decimal.ts';
import { UserError } from '../../shared/process/errors.ts';
import { parseFloor } from '../../shared/model/ledger-floor.ts';
import type { LogRecord } from '../../shared/model/log-record.ts';
import { asciiLower, resourceKey } from '../../shared/model/placement.ts';
import { redriveKeyId, verifiedRedrive } from '../../shared/model/redrive.ts';
import { FOLD_VERSION, parseRules, type Rules } from '../../shared/model/rules.ts';
import { partitionName, type Source, type SourcePartition } from '../../shared/model/source.ts';
import type { Attributes } from './attributes.ts';
import { judgeUsage } from './judge-usage.ts';
import { contentOf, type SeenIds } from './seen-ids.ts';
import type { Usage, UsageReader } from './usage.ts';

/** What the log must come to in one window. */
export interface CountedWindow {
  readonly usageHour: number;
  readonly subscriptionKey: string;
  readonly meterKey: string;
  readonly resourceKey: string;
  /** Of its event with the lowest offset. */
  readonly first: Attributes;
  readonly firstOffset: number;
  quantity: Quantity;
  eventCount: number;
  lastOffset: number;
}

export interface CountedHour {
  readonly hour: number;
  readonly windows: ReadonlyMap<string, CountedWindow>;
}

export interface AcceptedEvent {
  readonly offset: number;
  readonly reportedTime: number;
  readonly reportedHour: number;
  readonly usageHour: number;
  readonly usage: Usage;
  /** In decimal digits. */
  readonly contentDigest: string;
  readonly quantity: Quantity;
}

export interface RefusedRecord {
  readonly record: LogRecord;
  readonly code: DeadLetterCode;
  readonly reportedTime: number;
}

/** What is known of a partition before the first record that is counted. */
export interface Beginning {
  readonly offset: number;
  readonly watermark: number;
  readonly openHour: number;
  readonly sealed: boolean;
  readonly floor: number | null;
  /** Text of the rules in force; null where none are. */
  readonly rules: string | null;
}

export interface RecountTools {
  readonly place: SourcePartition;
  readonly source: Source;
  readonly keyring: Keyring;
  readonly schemas: readonly PublishedSchema[];
  readonly read: UsageReader;
  readonly seen: SeenIds;
}

interface InForce {
  readonly rules: Rules;
  readonly text: string;
  readonly schemaIds: ReadonlySet<number>;
}

/** A record that is judged by all but the ids before it. */
export interface Judged {
  readonly record: LogRecord;
  readonly reportedTime: number;
  readonly reportedHour: number;
  /** Of its usage; null where it is refused, or controls. */
  readonly usageHour: number | null;
  readonly verdict: 'control' | { readonly code: DeadLetterCode } | Event;
}

interface Event {
  readonly usage: Usage;
  readonly quantity: Quantity;
}

interface FoundId {
  readonly content: bigint;
  readonly found: 'new' | 'same' | 'other';
}

/**
 * Counts the records of a partition once more, one after the other: written from docs/design.md and
 * docs/dead-letters.md, without the code of the aggregator. `judge` takes records in the order of the log, then
 * `count` takes what it gave, many at a time; what they find gathers in `accepted`, `refused` and `closed`, from where
 * the caller takes it.
 */
export class Recount {
  private readonly tools: RecountTools;
  private inForce: InForce | null = null;
  /** The open hour as of the last record that was counted: windows of earlier ones are in `closed`. */
  countedHour: number;
  watermark: number;
  openHour: number;
  sealed: boolean;
  floor: number | null;
  nextOffset: number;
  readonly counts = { accepted: 0, duplicate: 0, deadLettered: 0, control: 0 };
  accepted: AcceptedEvent[] = [];
  refused: RefusedRecord[] = [];
  closed: CountedHour[] = [];
  /** Of the open hour. */
  windows = new Map<string, CountedWindow>();

  constructor(tools: RecountTools, from: Beginning) {
    this.tools = tools;
    this.watermark = from.watermark;
    this.openHour = from.openHour;
    this.countedHour = from.openHour;
    this.sealed = from.sealed;
    this.floor = from.floor;
    this.nextOffset = from.offset;
    if (from.rules !== null) this.enforce(from.rules);
  }

  /** Text of the rules in force; empty where none are. */
  get rules(): string {
    return this.inForce?.text ?? '';
  }

  judge(record: LogRecord): Judged {
    const verdict = this.verdictOf(record);
    return {
      record,
      reportedTime: this.watermark,
      reportedHour: this.openHour,
      usageHour:
        verdict !== 'control' && 'usage' in verdict ? this.hourOf(verdict.usage.start) : null,
      verdict,
    };
  }

  count(judged: readonly Judged[]): void {
    const ids = this.enterIds(judged);
    for (const [n, each] of judged.entries()) this.countOne(each, ids[n]);
  }

  /**
   * Looks up the ids of many records, one usage hour after the other: ids are told within their usage
   * hour, and a hour whose ids wait in a file is read once for all of these records.
   */
  private enterIds(judged: readonly Judged[]): readonly (FoundId | undefined)[] {
    const byHour = new Map<number, number[]>();
    for (const [n, { usageHour }] of judged.entries()) {
      if (usageHour === null) continue;
      const ofHour = byHour.get(usageHour);
      if (ofHour) ofHour.push(n);
      else byHour.set(usageHour, [n]);
    }
    const found = new Array<FoundId | undefined>(judged.length);
    for (const [usageHour, numbers] of byHour) {
      for (const n of numbers) {
        const verdict = judged[n]?.verdict;
        if (typeof verdict !== 'object' || !('usage' in verdict)) continue;
        const content = contentOf(verdict.usage);
        found[n] = {
          content,
          found: this.tools.seen.enter(usageHour, verdict.usage.eventId, content),
        };
      }
    }
    return found;
  }

  private countOne(
    { record, verdict, reportedTime, reportedHour, usageHour }: Judged,
    id: FoundId | undefined,
  ): void {
    const { offset } = record;
    this.counts.control += offset - this.nextOffset; // what holds no record
    this.nextOffset = offset + 1;
    this.closeBefore(reportedHour);
    if (verdict === 'control') {
      this.counts.control++;
    } else if ('code' in verdict) {
      this.refuse(record, verdict.code, reportedTime);
    } else if (usageHour !== null && id) {
      const { usage, quantity } = verdict;
      if (id.found === 'same') this.counts.duplicate++;
      else if (id.found === 'other') this.refuse(record, 'conflict', reportedTime);
      else {
        this.counts.accepted++;
        const contentDigest = String(id.content);
        this.accepted.push({
          offset,
          reportedTime,
          reportedHour,
          usageHour,
          usage,
          contentDigest,
          quantity,
        });
        this.add(offset, usageHour, verdict);
      }
    }
  }

  /** There are no more records up to an offset. */
  skipTo(offset: number): void {
    if (offset <= this.nextOffset) return;
    this.counts.control += offset - this.nextOffset;
    this.nextOffset = offset;
  }

  /** All that was judged is counted: an `end` record may have closed the open hour. */
  closeCounted(): void {
    this.closeBefore(this.openHour);
  }

  private verdictOf(record: LogRecord): Judged['verdict'] {
    const { place, source, keyring } = this.tools;
    const kind = record.headers[CONTROL_HEADER];
    const isSigned = kind !== undefined && this.isSigned(record);
    if (this.sealed) return kind === 'end' && isSigned ? 'control' : { code: 'after-end' };
    if (source.kind === 'history' && source.lastHour !== null) {
      const end = source.lastHour + source.hourMillis;
      if (record.timestamp < source.firstHour || record.timestamp >= end) {
        return { code: 'outside-run' };
      }
    }
    this.watermark = Math.max(this.watermark, record.timestamp);
    this.openHour = Math.max(this.openHour, this.hourOf(this.watermark));
    if (kind !== undefined) {
      if (isSigned) return this.control(kind, record.value?.toString() ?? '');
      if (kind === 'rules' && this.inForce === null) {
        throw new UserError(
          `The first rules of ${partitionName(place)} are not signed by a key that is known here: give ` +
            'USAGE_CONTROL_KEYS all keys of the aggregator',
        );
      }
      return { code: 'forged-control' };
    }
    if (this.inForce === null) return { code: 'no-rules' };
    const read = this.tools.read(record.value, this.inForce.schemaIds);
    if ('code' in read) return read;
    const { rules } = this.inForce;
    const redriveKey = redriveKeyId(record.headers);
    const key =
      redriveKey !== null && rules.controlKeys.some(({ id }) => id === redriveKey)
        ? keyring.find(({ id }) => id === redriveKey)
        : undefined;
    const redriven = key && verifiedRedrive(place, record.headers, record.value, key);
    const judged = judgeUsage(
      read.usage,
      record.key,
      {
        reported: this.watermark,
        firstReported: Math.min(this.watermark, redriven?.reportedTime ?? Infinity),
        floor: this.floor,
      },
      { ...rules, partition: place.partition, partitions: source.partitions },
    );
    return judged;
  }

  private isSigned(record: LogRecord): boolean {
    const id = controlKeyId(record.headers);
    if (this.inForce && !this.inForce.rules.controlKeys.some((key) => key.id === id)) return false;
    const key = this.tools.keyring.find((candidate) => candidate.id === id);
    return key !== undefined && isSignedFor(this.tools.place, record.headers, record.value, key);
  }

  private control(kind: string, body: string): 'control' | { readonly code: DeadLetterCode } {
    const { source } = this.tools;
    const invalid = { code: 'invalid-control' } as const;
    switch (kind) {
      case 'rules': {
        if (this.inForce?.text === body) return 'control';
        const rules = parseRules(body);
        if (rules?.hourMillis !== source.hourMillis) return invalid;
        if (this.inForce && rules.version <= this.inForce.rules.version) return invalid;
        this.enforce(body);
        return 'control';
      }
      case 'tick':
        return source.kind === 'live' ? 'control' : invalid;
      case 'floor': {
        const floor = parseFloor(body);
        if (floor === null || this.inForce === null) return invalid;
        if (floor > this.watermark - this.inForce.rules.maxUsageAgeMillis) return invalid;
        this.floor = Math.max(this.floor ?? 0, floor) || null;
        return 'control';
      }
      case 'end':
        this.sealed = true;
        this.openHour = (source.lastHour ?? this.openHour) + source.hourMillis;
        return 'control';
      default:
        return invalid;
    }
  }

  /** @throws UserError where this version, its schemas or keys are not those that the rules name. */
  private enforce(text: string): void {
    const { place, schemas, keyring } = this.tools;
    const rules = parseRules(text);
    const name = partitionName(place);
    if (rules?.foldVersion !== FOLD_VERSION) {
      throw new UserError(
        `The rules of ${name} are of another version of the aggregator: audit it with that version`,
      );
    }
    for (const { id, fingerprint } of rules.schemas) {
      if (schemas.some((schema) => schema.id === id && schema.fingerprint === fingerprint))
        continue;
      throw new UserError(
        `${name} accepts schema id ${String(id)}, and another schema, or none, has that id here: take the ` +
          'schema directory of the process that wrote the rules',
      );
    }
    for (const { id, fingerprint } of rules.controlKeys) {
      if (keyring.some((key) => key.id === id && keyFingerprint(key) === fingerprint)) continue;
      throw new UserError(
        `Control records of ${name} may be signed by key "${id}", which is missing here: add it to USAGE_CONTROL_KEYS`,
      );
    }
    this.inForce = { rules, text, schemaIds: new Set(rules.schemas.map(({ id }) => id)) };
  }

  private hourOf(instant: number): number {
    const { hourMillis } = this.tools.source;
    return Math.floor(instant / hourMillis) * hourMillis;
  }

  private closeBefore(hour: number): void {
    if (hour === this.countedHour) return;
    if (this.windows.size > 0) {
      this.closed.push({ hour: this.countedHour, windows: this.windows });
      this.windows = new Map();
    }
    this.countedHour = hour;
  }

  private refuse(record: LogRecord, code: DeadLetterCode, reportedTime: number): void {
    this.counts.deadLettered++;
    this.refused.push({ record, code, reportedTime });
  }

  private add(offset: number, usageHour: number, { usage, quantity }: Event): void {
    const subscriptionKey = asciiLower(usage.subscriptionId);
    const meterKey = asciiLower(usage.meterId);
    const resource = resourceKey(usage.resourceUri);
    const name = windowName(usageHour, subscriptionKey, meterKey, resource);
    const window = this.windows.get(name);
    if (window) {
      window.quantity = addQuantities(window.quantity, quantity);
      window.eventCount++;
      window.lastOffset = offset;
      return;
    }
    this.windows.set(name, {
      usageHour,
      subscriptionKey,
      meterKey,
      resourceKey: resource,
      first: attributesOf(usage),
      firstOffset: offset,
      quantity,
      eventCount: 1,
      lastOffset: offset,
    });
  }
}

/** Without its bytes, which would keep all that was fetched with them in memory. */
const attributesOf = (usage: Usage): Attributes => ({
  subscriptionId: usage.subscriptionId,
  meterId: usage.meterId,
  resourceUri: usage.resourceUri,
  location: usage.location,
  tags: usage.tags,
  additionalInfo: usage.additionalInfo,
});

/** Identities hold no NUL, so the name is unambiguous. */
export const windowName = (
  usage: number,
  subscriptionKey: string,
  meterKey: string,
  resource: string,
): string => [usage, subscriptionKey, meterKey, resource].join('\0');

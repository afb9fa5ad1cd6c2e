import { adjustmentKeyId, isAdjustmentFor } from '../../shared/model/adjustment-record.ts';
import {
  CONTROL_HEADER,
  controlKeyId,
  isSignedFor,
  type ControlKey,
} from '../../shared/model/control-record.ts';
import type { DeadLetterCode } from '../../shared/model/dead-letter.ts';
import type { Quantity } from '../../shared/model/decimal.ts';
import { UserError } from '../../shared/process/errors.ts';
import { parseFloor } from '../../shared/model/ledger-floor.ts';
import type { LogRecord } from '../../shared/model/log-record.ts';
import { redriveKeyId, verifiedRedrive } from '../../shared/model/redrive.ts';
import { parseRules } from '../../shared/model/rules.ts';
import { partitionName, type Source } from '../../shared/model/source.ts';
import {
  addToWindow,
  type CountableUsage,
  type CountedHour,
  type CountedWindow,
} from './counted-window.ts';
import { judgeUsage } from './judge-usage.ts';
import { rulesInForce, type KnownHere, type RulesInForce } from './rules-in-force.ts';
import { contentOf } from './content-digest.ts';
import type { SeenIds } from './seen-ids.ts';
import type { Usage, UsageReader } from './usage.ts';
import { fail, type Failed, type Result } from '../../shared/model/result.ts';

export interface AcceptedEvent {
  readonly offset: number;
  readonly reportedTime: number;
  readonly reportedHour: number;
  readonly usageHour: number;
  readonly usage: Usage;
  /** In decimal digits. */
  readonly contentDigest: string;
  readonly quantity: Quantity;
  readonly isAdjustment: boolean;
}

export interface RefusedRecord {
  readonly record: LogRecord;
  readonly code: DeadLetterCode;
  readonly reportedTime: number;
}

/** What is known about a partition before the first counted record. */
export interface Beginning {
  readonly offset: number;
  readonly watermark: number;
  readonly openHour: number;
  readonly sealed: boolean;
  readonly floor: number | null;
  /** The text of the rules in force; null if there are none. */
  readonly rules: string | null;
}

export interface RecountTools extends KnownHere {
  readonly source: Source;
  readonly read: UsageReader;
  readonly seen: SeenIds;
}

/** A record judged by everything except the ids before it. */
export interface Judged {
  readonly record: LogRecord;
  readonly reportedTime: number;
  readonly reportedHour: number;
  /** The hour of its usage; null if it is refused or is a control record. */
  readonly usageHour: number | null;
  readonly isAdjustment: boolean;
  readonly verdict: 'control' | Result<CountableUsage, DeadLetterCode>;
}

interface FoundId {
  readonly content: bigint;
  readonly found: 'new' | 'same' | 'other';
}

/**
 * Counts the records of a partition again. It was written from docs/design.md and docs/dead-letters.md,
 * without the aggregator's code. `judge` takes records in the order of the log, then `count` takes its
 * results, many at a time. The findings gather in `accepted`, `refused` and `closed`, where the caller
 * collects them.
 */
export class Recount {
  private readonly tools: RecountTools;
  private inForce: RulesInForce | null = null;
  /** The open hour as of the last counted record. The windows of earlier hours are in `closed`. */
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
  /** The windows of the open hour. */
  windows = new Map<string, CountedWindow>();

  constructor(tools: RecountTools, from: Beginning) {
    this.tools = tools;
    this.watermark = from.watermark;
    this.openHour = from.openHour;
    this.countedHour = from.openHour;
    this.sealed = from.sealed;
    this.floor = from.floor;
    this.nextOffset = from.offset;
    if (from.rules !== null) this.inForce = rulesInForce(from.rules, tools);
  }

  /** The text of the rules in force; empty if there are none. */
  get rules(): string {
    return this.inForce?.text ?? '';
  }

  judge(record: LogRecord): Judged {
    const isAdjustment = this.isAdjustment(record);
    const verdict = this.verdictOf(record, isAdjustment);
    return {
      record,
      reportedTime: this.watermark,
      reportedHour: this.openHour,
      usageHour:
        verdict !== 'control' && verdict.ok ? this.hourOf(verdict.value.usage.start) : null,
      isAdjustment,
      verdict,
    };
  }

  count(judged: readonly Judged[]): void {
    const ids = this.enterIds(judged);
    for (const [n, each] of judged.entries()) this.countOne(each, ids[n]);
  }

  /**
   * Looks up the ids of many records, one usage hour after the other. Ids are unique within their usage
   * hour, and an hour whose ids are in a file is read once for all these records.
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
        if (typeof verdict !== 'object' || !verdict.ok) continue;
        const { usage } = verdict.value;
        const content = contentOf(usage);
        found[n] = {
          content,
          found: this.tools.seen.enter(usageHour, usage.eventId, content),
        };
      }
    }
    return found;
  }

  private countOne(
    { record, verdict, reportedTime, reportedHour, usageHour, isAdjustment }: Judged,
    id: FoundId | undefined,
  ): void {
    const { offset } = record;
    this.counts.control += offset - this.nextOffset; // offsets without a record
    this.nextOffset = offset + 1;
    this.closeBefore(reportedHour);
    if (verdict === 'control') {
      this.counts.control++;
    } else if (!verdict.ok) {
      this.refuse(record, verdict.error, reportedTime);
    } else if (usageHour !== null && id) {
      const { usage, quantity } = verdict.value;
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
          isAdjustment,
        });
        addToWindow(this.windows, offset, usageHour, verdict.value);
      }
    }
  }

  /** Notes that no records follow up to an offset. */
  skipTo(offset: number): void {
    if (offset <= this.nextOffset) return;
    this.counts.control += offset - this.nextOffset;
    this.nextOffset = offset;
  }

  /** Notes that everything judged is counted. An `end` record may have closed the open hour. */
  closeCounted(): void {
    this.closeBefore(this.openHour);
  }

  private verdictOf(record: LogRecord, isAdjustment: boolean): Judged['verdict'] {
    const { place, source } = this.tools;
    const kind = record.headers[CONTROL_HEADER];
    const isSigned = kind !== undefined && this.isSigned(record);
    if (this.sealed) return kind === 'end' && isSigned ? 'control' : fail('after-end');
    if (source.kind === 'history' && source.lastHour !== null) {
      const end = source.lastHour + source.hourMillis;
      if (record.timestamp < source.firstHour || record.timestamp >= end) {
        return fail('outside-run');
      }
    }
    this.watermark = Math.max(this.watermark, record.timestamp);
    this.openHour = Math.max(this.openHour, this.hourOf(this.watermark));
    if (kind !== undefined) {
      if (isSigned) return this.control(kind, record.value?.toString() ?? '');
      if (kind === 'rules' && this.inForce === null) {
        throw new UserError(
          `The first rules of ${partitionName(place)} are not signed by a known key: add to ` +
            'USAGE_CONTROL_KEYS all keys of the aggregator',
        );
      }
      return fail('forged-control');
    }
    if (this.inForce === null) return fail('no-rules');
    const read = this.tools.read(record.value, this.inForce.schemaIds);
    if (!read.ok) return read;
    const { rules } = this.inForce;
    const key = this.acceptedKey(redriveKeyId(record.headers));
    const redriven = key && verifiedRedrive(place, record.headers, record.value, key);
    return judgeUsage(
      read.value,
      record.key,
      {
        reported: this.watermark,
        firstReported: Math.min(this.watermark, redriven?.reportedTime ?? Infinity),
        floor: this.floor,
      },
      { ...rules, partition: place.partition, partitions: source.partitions },
      isAdjustment,
    );
  }

  private isSigned(record: LogRecord): boolean {
    const key = this.acceptedKey(controlKeyId(record.headers));
    return key !== undefined && isSignedFor(this.tools.place, record.headers, record.value, key);
  }

  private isAdjustment({ headers, value }: LogRecord): boolean {
    const key = this.inForce && this.acceptedKey(adjustmentKeyId(headers));
    return Boolean(key && isAdjustmentFor(this.tools.place, headers, value, key));
  }

  /** The key of this id, if the rules in force accept it; before the first rules any key that is known. */
  private acceptedKey(id: string | null): ControlKey | undefined {
    if (id === null) return undefined;
    if (this.inForce && !this.inForce.rules.controlKeys.some((key) => key.id === id)) {
      return undefined;
    }
    return this.tools.keyring.find((key) => key.id === id);
  }

  private control(kind: string, body: string): 'control' | Failed<DeadLetterCode> {
    const { source } = this.tools;
    const invalid = fail('invalid-control' as const);
    switch (kind) {
      case 'rules': {
        if (this.inForce?.text === body) return 'control';
        const rules = parseRules(body);
        if (rules?.hourMillis !== source.hourMillis) return invalid;
        if (this.inForce && rules.version <= this.inForce.rules.version) return invalid;
        this.inForce = rulesInForce(body, this.tools);
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
}

import { cut } from '../../services/shared/usage-fold/chunk.ts';
import { EventIndex } from '../../services/shared/usage-fold/event-index.ts';
import { EventTable } from '../../services/shared/usage-fold/event-table.ts';
import { count, initialState, mustCutBefore } from '../../services/shared/usage-fold/fold.ts';
import { advance } from '../../services/shared/usage-fold/timeline.ts';
import { readSchemaDirectory } from '../../services/shared/avro/schema-directory.ts';
import type { LogRecord } from '../../services/shared/model/log-record.ts';
import { HOUR_MILLIS, millis, type Millis } from '../../services/shared/model/time.ts';
import { keyring, knowledge, minute, placeOf, rulesAt } from '../support/fold/fixtures.ts';
import { AuditFates } from './audit-fates.ts';
import { HostileJudge, type Fate } from './hostile-judge.ts';
import { HostileRecords, type Family, type HostileRecord } from './hostile-records.ts';
import { HOSTILE_PROVIDER, judgedTopic } from './hostile-topic.ts';

const { namespaces } = HOSTILE_PROVIDER;
const PARTITIONS = 2;
/** Between two records, so that hours close. */
const STEP_MILLIS = 50;
const CUT_EVERY = 5_000;

const schemas = readSchemaDirectory();

/** What each of the three makes of a record. */
export interface Fates {
  readonly folded: Fate;
  readonly audited: Fate;
  readonly judged: Fate;
}

/** One partition: its fold, and what the fold is held against: the audit, and a judge of our own. */
class Partition {
  private readonly place;
  private readonly state;
  private readonly audit: AuditFates;
  private readonly judge: HostileJudge;
  private readonly index = new EventIndex(Infinity);
  private offset = 0;

  constructor(number: number) {
    this.place = placeOf({ partitions: PARTITIONS, namespaces }, number);
    this.state = initialState(this.place, 0);
    this.audit = new AuditFates(this.place, keyring, schemas);
    this.judge = new HostileJudge(judgedTopic(this.place.source, keyring[0]), number);
    const { timestamp, key, value, headers } = rulesAt(this.place, 0, minute(0), {
      namespaces: [...namespaces],
    });
    this.take({ key, value, headers }, timestamp);
  }

  take(record: Pick<LogRecord, 'key' | 'value' | 'headers'>, timestamp: Millis): Fates {
    const read: LogRecord = { ...record, offset: this.offset++, timestamp };
    return {
      folded: this.fold(read),
      audited: this.audit.of(read),
      judged: this.judge.judge(read),
    };
  }

  private fold(record: LogRecord): Fate {
    const { state, index } = this;
    const step = advance(this.place, state.timeline, record, knowledge);
    const { verdict } = step;
    if (verdict.kind === 'halt') return `halt: ${verdict.halt.message}`;
    if (mustCutBefore(state, step) || state.nextOffset % CUT_EVERY === 0) cut(state);
    if (verdict.kind === 'candidate') {
      const { usageHour } = verdict.candidate;
      for (const hour of index.missing([usageHour])) index.put(hour, new EventTable());
    }
    const outcome = count(state, step, index);
    if (outcome === 'dead-lettered') return state.pending.deadLetters.at(-1)?.code ?? 'no code';
    return outcome;
  }

  conserves(): boolean {
    const { accepted, duplicate, deadLettered, control } = this.state.counts;
    return accepted + duplicate + deadLettered + control === this.offset;
  }
}

/** Records of one family that were misjudged in one way, by their first example. */
export interface Misjudged extends Fates {
  readonly record: HostileRecord;
  count: number;
}

export interface FoldReport {
  readonly fates: ReadonlyMap<string, number>;
  readonly families: ReadonlyMap<Family, number>;
  readonly misjudged: readonly Misjudged[];
  readonly conserved: boolean;
}

/** Whether what was known when the record was made agrees with a fate. */
const agrees = (expected: string | null, fate: Fate): boolean =>
  expected === null ||
  fate === expected ||
  (expected === 'event' && (fate === 'accepted' || fate === 'duplicate'));

const textOf = (value: string | Buffer | (string | Buffer)[]): string => String(value);

/** Headers as the reader of the log gives them. */
const readHeaders = (headers: HostileRecord['headers']): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, textOf(value)]));

/**
 * Sends hostile records through the pure fold and through the audit, without Kafka or ClickHouse. A
 * record that makes either throw ends the run with that error and the record's family.
 */
export const checkFold = (seed: number, records: number): FoldReport => {
  const partitions = Array.from({ length: PARTITIONS }, (_, number) => new Partition(number));
  let now: number = minute(0) + HOUR_MILLIS;
  const topic = judgedTopic(placeOf({ partitions: PARTITIONS, namespaces }).source, keyring[0]);
  const hostile = new HostileRecords({ seed, topic, now: () => now });
  const fates = new Map<string, number>();
  const families = new Map<Family, number>();
  const misjudged = new Map<string, Misjudged>();
  for (let n = 0; n < records; n++) {
    now += STEP_MILLIS;
    const record = hostile.next();
    const { key, value, headers, family, expected } = record;
    const partition = partitions[record.partition];
    if (!partition) throw new Error('a record for a partition that does not exist');
    let result;
    try {
      result = partition.take({ key, value, headers: readHeaders(headers) }, millis(now));
    } catch (cause) {
      throw new Error(`record ${String(n)} (${family}) made the fold or the audit throw`, {
        cause,
      });
    }
    const { folded, audited, judged } = result;
    fates.set(folded, (fates.get(folded) ?? 0) + 1);
    families.set(family, (families.get(family) ?? 0) + 1);
    if (folded === judged && folded === audited && agrees(expected, folded)) continue;
    const name = [family, expected, folded, audited, judged].join(' ');
    const known = misjudged.get(name);
    if (known) known.count++;
    else misjudged.set(name, { record, ...result, count: 1 });
  }
  return {
    fates,
    families,
    misjudged: [...misjudged.values()],
    conserved: partitions.every((partition) => partition.conserves()),
  };
};

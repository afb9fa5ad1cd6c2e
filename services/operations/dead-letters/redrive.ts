import type { ClickHouseClient } from '@clickhouse/client';
import { z } from 'zod';
import { usageEventDecoders } from '../../shared/avro/usage-event-codec.ts';
import { queryRows } from '../../shared/clickhouse/client.ts';
import { messageOf } from '../../shared/process/errors.ts';
import { parseRules, type Rules } from '../../shared/model/rules.ts';
import { partitionName, type SourcePartition } from '../../shared/model/source.ts';
import type { SourceTools } from '../../shared/sources/source-opening.ts';
import { readSources } from '../../shared/sources/register.ts';
import { rulesFor } from '../../shared/sources/rules-for.ts';
import { millis } from '../../shared/model/time.ts';
import { writeDispositions } from './dispositions.ts';
import type { Letter } from './letters.ts';
import { positionText, type Position } from './position.ts';
import { planRedrive, type RedriveRecord, type RedriveWorld } from './redrive-plan.ts';

/** The result of redriving one dead letter. */
export interface RedriveResult {
  readonly letter: Position;
  /** The position of the redriven record, or where it would go (offset null); null if it is not sent. */
  readonly to: (SourcePartition & { readonly offset: number | null }) | null;
  /** Why it is not sent; null if it is. */
  readonly reason: string | null;
}

export interface RedriveOptions {
  readonly force: boolean;
  /** Only report what would be done. */
  readonly dryRun: boolean;
  readonly actor: string;
  readonly reason: string;
}

/** What the newest "rules apply" has written to a topic. */
interface AppliedRules {
  readonly epoch: number;
  /** By partition. */
  readonly versions: Readonly<Record<string, number>>;
  readonly schemas: readonly number[];
  readonly namespaces: readonly string[];
}

const appliedSchema = z.object({
  epoch: z.int(),
  versions: z.record(z.string(), z.int()),
  schemas: z.array(z.int()),
  namespaces: z.array(z.string()),
});

const readApplied = async (
  clickHouse: ClickHouseClient,
): Promise<ReadonlyMap<string, AppliedRules>> => {
  const rows = await queryRows<{ subject: string; detail: string }>(
    clickHouse,
    `SELECT subject, argMax(detail, o.at) AS detail FROM operations AS o
     WHERE kind = 'rules-applied' GROUP BY subject`,
  );
  return new Map(
    rows.flatMap(({ subject, detail }) => {
      const parsed = appliedSchema.safeParse(JSON.parse(detail));
      return parsed.success ? [[subject, parsed.data] as const] : [];
    }),
  );
};

/** The rules for a record that is appended now: they include rules that have not been folded yet. */
const rulesAtEnd = (
  folded: Rules,
  { epoch, partition }: SourcePartition,
  applied: AppliedRules | undefined,
): Rules => {
  const version = applied?.epoch === epoch ? (applied.versions[String(partition)] ?? 0) : 0;
  if (applied === undefined || version <= folded.version) return folded;
  const schemas = applied.schemas.map((id) => ({ id, fingerprint: '' }));
  return { ...folded, version, schemas, namespaces: applied.namespaces };
};

/** The register, the last rules in the logs, and what this version knows. */
export const readRedriveWorld = async ({
  clickHouse,
  schemas,
  keyring,
}: SourceTools): Promise<RedriveWorld> => {
  const sources = await readSources(clickHouse);
  const rows = await queryRows<SourcePartition & { rules: string; floor: string | null }>(
    clickHouse,
    `SELECT topic, epoch, partition, rules, toString(toUnixTimestamp64Milli(floor)) AS floor
     FROM checkpoints AS c FINAL`,
  );
  const folded = new Map(rows.map((row) => [partitionName(row), row]));
  const applied = await readApplied(clickHouse);
  return {
    sources,
    judgementOn: (at, source) => {
      const row = folded.get(partitionName(at));
      return {
        rules: rulesAtEnd(
          parseRules(row?.rules ?? '') ?? rulesFor(source, 1, schemas, keyring),
          at,
          applied.get(at.topic),
        ),
        floor: row?.floor == null ? null : millis(Number(row.floor)),
      };
    },
    decoders: usageEventDecoders(schemas),
    keyring,
    now: millis(Date.now()),
  };
};

interface Sending {
  readonly letter: Letter;
  readonly at: SourcePartition;
  readonly record: RedriveRecord;
}

/**
 * Sends dead letters again, and records each one when the broker has acknowledged it. If the process ends
 * between the two, the letter stays open although it was sent. When it is sent a second time it is a
 * duplicate, so it counts once.
 */
export const redriveLetters = async (
  tools: SourceTools,
  world: RedriveWorld,
  letters: readonly Letter[],
  options: RedriveOptions,
): Promise<readonly RedriveResult[]> => {
  const refused: RedriveResult[] = [];
  const sending: Sending[] = [];
  for (const letter of letters) {
    const plan = planRedrive(letter, world, options.force);
    if (plan.kind === 'send') sending.push({ letter, at: plan.at, record: plan.record });
    else refused.push(resultOf(letter, null, plan.reason));
  }
  if (options.dryRun) {
    const planned = sending.map(({ letter, at }) => resultOf(letter, { ...at, offset: null }));
    return [...refused, ...planned];
  }
  const sent: RedriveResult[] = [];
  for (const group of groupsOf(sending)) sent.push(...(await sendGroup(tools, group, options)));
  return [...refused, ...sent];
};

const resultOf = (
  { topic, epoch, partition, offset }: Letter,
  to: RedriveResult['to'],
  reason: string | null = null,
): RedriveResult => ({ letter: { topic, epoch, partition, offset }, to, reason });

/** A record that the broker may find too large with the added headers is sent alone. */
const LARGE_BYTES = 512 * 1024;

/** One group for each target partition, in order. Large records are groups of their own. */
const groupsOf = (sending: readonly Sending[]): readonly (readonly Sending[])[] => {
  const groups = new Map<string, Sending[]>();
  for (const one of sending) {
    const isLarge = (one.letter.bytes ?? 0) > LARGE_BYTES;
    const name = isLarge ? positionText(one.letter) : partitionName(one.at);
    const group = groups.get(name);
    if (group) group.push(one);
    else groups.set(name, [one]);
  }
  return [...groups.values()];
};

const sendGroup = async (
  { writer, clickHouse }: SourceTools,
  group: readonly Sending[],
  { actor, reason }: RedriveOptions,
): Promise<readonly RedriveResult[]> => {
  const [first] = group;
  if (!first) return [];
  const { at } = first;
  let offsets: readonly number[];
  try {
    const appended = await writer.append(
      at,
      group.map(({ record }) => record),
    );
    offsets = appended.flatMap(({ firstOffset, count }) =>
      Array.from({ length: count }, (_, n) => firstOffset + n),
    );
  } catch (error) {
    if (group.length > 1 || !isTooLarge(error)) throw error;
    return [resultOf(first.letter, null, `the broker refuses it: ${messageOf(error)}`)];
  }
  const results = group.map(({ letter }, n) => {
    const offset = offsets[n];
    if (offset === undefined) throw new Error('Kafka acknowledged fewer records than were sent');
    return { letter, to: { ...at, offset } };
  });
  await writeDispositions(
    clickHouse,
    results.map(({ letter, to }) => ({
      letter,
      disposition: { disposition: 'redriven', actor, reason, to },
    })),
  );
  return results.map(({ letter, to }) => resultOf(letter, to));
};

const isTooLarge = (error: unknown): boolean =>
  error instanceof Error && 'type' in error && error.type === 'MESSAGE_TOO_LARGE';

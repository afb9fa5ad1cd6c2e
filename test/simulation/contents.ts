import { controlRecord, type ControlKind } from '../../services/shared/model/control-record.ts';
import type { Quantity } from '../../services/shared/model/decimal.ts';
import { serializeFloor } from '../../services/shared/model/ledger-floor.ts';
import { partitionOfKey, resourceKey } from '../../services/shared/model/placement.ts';
import { redriveHeaders } from '../../services/shared/model/redrive.ts';
import { serializeRules } from '../../services/shared/model/rules.ts';
import { partitionName, type SourcePartition } from '../../services/shared/model/source.ts';
import { HOUR_MILLIS, millis, type Hour, type Millis } from '../../services/shared/model/time.ts';
import { attributesOf, encodeEvent, eventOf, keyring, rulesOf } from '../support/fold/fixtures.ts';
import type { Content, Intent, RulesIntent } from './simulated-log.ts';

/** All bits of one word of a quantity, so that sums carry into the next one. */
const WORD = 0xffff_ffffn;

/** What stands in a record, with what its writer meant by it. */
export interface Written {
  readonly content: Content;
  readonly intent: Intent;
}

/** An event by the few choices that make it; the same choices give the same bytes. */
export interface EventChoice {
  readonly machine: number;
  readonly namespace: string;
  readonly meter: 'METER-A' | 'METER-B';
  readonly usageHour: Hour;
  /** Tells apart events of the same hour and resource. */
  readonly id: number;
  readonly quantity: number;
  /** Whether the meter is written in lower case: another content, the same identity. */
  readonly lower: boolean;
}

const SUBSCRIPTION = '0f723db3-b972-4e48-9aaa-614b04457bf2';

const resourceOf = ({ machine, namespace }: ResourceChoice): string =>
  `/subscriptions/${SUBSCRIPTION}/resourceGroups/RG/providers/${namespace}/things/thing${String(machine)}`;

type ResourceChoice = Pick<EventChoice, 'machine' | 'namespace'>;

export const partitionOf = (choice: ResourceChoice, partitions: number): number =>
  partitionOfKey(resourceKey(resourceOf(choice)), partitions);

const MACHINES = 2;
const machines = new Map<string, readonly number[]>();

/** The few machines of a namespace that a partition has. */
export const machinesOn = (
  namespace: string,
  partition: number,
  partitions: number,
): readonly number[] => {
  const key = `${namespace} ${String(partition)} ${String(partitions)}`;
  let found = machines.get(key);
  if (!found) {
    found = Array.from({ length: 40 }, (_, machine) => machine)
      .filter((machine) => partitionOf({ machine, namespace }, partitions) === partition)
      .slice(0, MACHINES);
    machines.set(key, found);
  }
  return found;
};

/** Encoding and signing take longer than all else in a schedule, so nothing is made twice. */
const made = new Map<string, Written>();

const once = (key: string, make: () => Written): Written => {
  let written = made.get(key);
  if (!written) made.set(key, (written = make()));
  return written;
};

const NO_HEADERS = {};

export const eventContent = (choice: EventChoice): Written =>
  once(`event ${Object.values(choice).join(' ')}`, () => {
    const resourceUri = resourceOf(choice);
    const identified = eventOf(
      {
        resourceUri,
        meterId: choice.meter,
        usageStartTime: choice.usageHour,
        usageEndTime: (choice.usageHour + HOUR_MILLIS) as Hour,
        quantity: (BigInt(choice.quantity) * WORD) as Quantity,
        ...attributesOf(choice.id),
      },
      String(choice.id),
    );
    const event = choice.lower
      ? { ...identified, meterId: identified.meterId.toLowerCase() }
      : identified;
    const content = {
      key: Buffer.from(resourceKey(resourceUri), 'utf8'),
      value: encodeEvent(event),
      headers: NO_HEADERS,
    };
    const namespace = choice.namespace.toLowerCase();
    return { content, intent: { kind: 'event', event, namespace, firstReported: null } };
  });

/** An event that was refused an hour after its usage and is sent again. */
export const redrivenContent = (at: SourcePartition, choice: EventChoice): Written =>
  once(`redriven ${partitionName(at)} ${Object.values(choice).join(' ')}`, () => {
    const { content, intent } = eventContent(choice);
    if (intent.kind !== 'event') throw new Error('an event was asked for');
    const firstReported = millis(intent.event.usageEndTime);
    const { topic, epoch, partition } = at;
    const origin = { topic, epoch, partition, offset: 0, reportedTime: firstReported };
    const headers = redriveHeaders(at, origin, content.value, keyring);
    return { content: { ...content, headers }, intent: { ...intent, firstReported } };
  });

/** An event whose key or place is not its own. */
export const misplacedContent = (
  choice: EventChoice,
  code: 'wrong-key' | 'wrong-partition',
): Written => {
  const { content, intent } = eventContent(choice);
  if (intent.kind !== 'event') throw new Error('an event was asked for');
  return {
    content: code === 'wrong-key' ? { ...content, key: Buffer.from('/other') } : content,
    intent: { kind: 'misplaced', code, event: intent.event },
  };
};

export const malformedContent: Written = {
  content: { key: null, value: Buffer.from([1, 2, 3]), headers: NO_HEADERS },
  intent: { kind: 'bad', code: 'malformed' },
};

export const unknownSchemaContent: Written = {
  content: { key: null, value: Buffer.from([0, 0, 1, 0, 0, 9]), headers: NO_HEADERS },
  intent: { kind: 'bad', code: 'unknown-schema' },
};

const signed = (kind: ControlKind, at: SourcePartition, body: string, intent: Intent): Written =>
  once(`${kind} ${partitionName(at)} ${body}`, () => ({
    content: controlRecord(kind, at, body, keyring),
    intent,
  }));

export const tickContent = (at: SourcePartition): Written =>
  signed('tick', at, '', { kind: 'tick' });
export const endContent = (at: SourcePartition): Written => signed('end', at, '', { kind: 'end' });

export const floorContent = (at: SourcePartition, floor: Millis): Written =>
  signed('floor', at, serializeFloor(floor), { kind: 'floor', floor });

/** Signed for another partition than the one that it will stand on. */
export const forgedContent = (at: SourcePartition): Written => ({
  content: endContent({ ...at, partition: at.partition + 7 }).content,
  intent: { kind: 'forged' },
});

export const rulesContent = (at: SourcePartition, rules: RulesIntent): Written => {
  const { version, maxUsageAge, namespaces } = rules;
  const text = serializeRules(
    rulesOf({ version, maxUsageAgeMillis: maxUsageAge, namespaces: [...namespaces] }),
  );
  return signed('rules', at, text, { kind: 'rules', rules, text });
};

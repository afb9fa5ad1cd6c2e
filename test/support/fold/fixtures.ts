import { readSchemaDirectory } from '../../../services/shared/avro/schema-directory.ts';
import {
  USAGE_EVENT_SUBJECT,
  plainSchemas,
  usageEventDecoders,
  usageEventEncoder,
} from '../../../services/shared/avro/usage-event-codec.ts';
import {
  controlRecord,
  keyFingerprint,
  type ControlKind,
  type Keyring,
} from '../../../services/shared/model/control-record.ts';
import type { Quantity } from '../../../services/shared/model/decimal.ts';
import type { LogRecord } from '../../../services/shared/model/log-record.ts';
import { resourceKey } from '../../../services/shared/model/placement.ts';
import {
  DEFAULT_MAX_USAGE_AGE_MILLIS,
  FOLD_VERSION,
  serializeRules,
  type Rules,
} from '../../../services/shared/model/rules.ts';
import type { Source } from '../../../services/shared/model/source.ts';
import {
  HOUR_MILLIS,
  millis,
  type Hour,
  type Millis,
} from '../../../services/shared/model/time.ts';
import { usageEventId, type UsageEvent } from '../../../services/shared/model/usage-event.ts';
import { initialState, type FoldState } from '../../../services/shared/usage-fold/fold.ts';
import type { Knowledge } from '../../../services/shared/usage-fold/knowledge.ts';
import type { Place } from '../../../services/shared/usage-fold/place.ts';
import type { Candidate } from '../../../services/shared/usage-fold/verdict.ts';
import { firstOf, windowEventOf, type Window } from '../../../services/shared/usage-fold/window.ts';

const MIDNIGHT = Date.UTC(2026, 0, 10);

/** The hours of a day, and minutes in it, in which the tests of the fold take place. */
export const hour = (n: number): Hour => (MIDNIGHT + n * HOUR_MILLIS) as Hour;
export const minute = (n: number): Millis => millis(MIDNIGHT + n * 60_000);

export const keyring: Keyring = [{ id: 'test', secret: Buffer.alloc(32, 7) }];
const stranger: Keyring = [{ id: 'stranger', secret: Buffer.alloc(32, 8) }];

const schemas = readSchemaDirectory();
const eventSchemas = schemas.filter(({ subject }) => subject === USAGE_EVENT_SUBJECT);
export const encodeEvent = usageEventEncoder(schemas);

export const knowledge: Knowledge = {
  decoders: usageEventDecoders(schemas),
  fingerprints: new Map(schemas.map(({ id, fingerprint }) => [id, fingerprint])),
  plainSchemas: plainSchemas(schemas),
  keyring,
};

export const rulesOf = (changes: Partial<Rules> = {}): Rules => ({
  version: 1,
  foldVersion: FOLD_VERSION,
  hourMillis: HOUR_MILLIS,
  maxUsageAgeMillis: DEFAULT_MAX_USAGE_AGE_MILLIS,
  namespaces: ['microsoft.compute'],
  schemas: eventSchemas.map(({ id, fingerprint }) => ({ id, fingerprint })),
  controlKeys: keyring.map((key) => ({ id: key.id, fingerprint: keyFingerprint(key) })),
  ...changes,
});

/** The only partition of a live topic for Microsoft.Compute, from the first hour on. */
export const placeOf = (changes: Partial<Source> = {}, partition = 0): Place => {
  const source: Source = {
    topic: 'usage.events.compute',
    epoch: 1,
    kind: 'live',
    partitions: 1,
    firstHour: hour(0),
    lastHour: null,
    hourMillis: HOUR_MILLIS,
    predecessor: null,
    state: 'open',
    billable: true,
    namespaces: ['microsoft.compute'],
    origin: 'live',
    ...changes,
  };
  return { topic: source.topic, epoch: source.epoch, partition, source };
};

/** A history run of four hours. */
export const historyPlace = (): Place =>
  placeOf({
    topic: 'usage.history.run',
    kind: 'history',
    lastHour: hour(3),
    namespaces: ['*'],
  });

const SUBSCRIPTION = '0f723db3-b972-4e48-9aaa-614b04457bf2';

/** Attributes of an event by a number: events of one series differ in them. */
export const attributesOf = (
  n: number,
): Pick<UsageEvent, 'location' | 'tags' | 'additionalInfo'> => ({
  location: n % 2 === 0 ? 'local' : 'east',
  tags: n % 3 === 0 ? null : JSON.stringify({ of: String(n % 3) }),
  additionalInfo: n % 5 === 0 ? '{"ServiceType":"Standard_D1_v2"}' : null,
});

export const eventOf = (changes: Partial<UsageEvent> = {}, discriminator = ''): UsageEvent => {
  const event = {
    subscriptionId: SUBSCRIPTION,
    meterId: 'FAB6EB84-500B-4A09-A8CA-7358F8BBAEA5',
    resourceUri: `/subscriptions/${SUBSCRIPTION}/resourceGroups/RG/providers/Microsoft.Compute/virtualMachines/vm1`,
    usageStartTime: hour(0),
    usageEndTime: hour(1),
    quantity: (10n ** 30n) as Quantity,
    location: 'local',
    tags: null,
    additionalInfo: null,
    ...changes,
  };
  return { eventId: usageEventId(event, discriminator), ...event };
};

export const recordOf = (
  event: UsageEvent,
  offset: number,
  timestamp: Millis = minute(1),
  changes: Partial<LogRecord> = {},
): LogRecord => ({
  offset,
  timestamp,
  key: Buffer.from(resourceKey(event.resourceUri), 'utf8'),
  value: encodeEvent(event),
  headers: {},
  ...changes,
});

export const controlAt = (
  place: Place,
  kind: string,
  offset: number,
  timestamp: Millis = minute(1),
  body = '',
  signers: Keyring = keyring,
): LogRecord => ({
  offset,
  timestamp,
  ...controlRecord(kind as ControlKind, place, body, signers),
});

export const rulesAt = (
  place: Place,
  offset: number,
  timestamp: Millis = minute(0),
  changes: Partial<Rules> = {},
): LogRecord => controlAt(place, 'rules', offset, timestamp, serializeRules(rulesOf(changes)));

/** Signed by a key that nobody has accepted. */
export const forgedAt = (
  place: Place,
  kind: string,
  offset: number,
  timestamp: Millis = minute(1),
): LogRecord => controlAt(place, kind, offset, timestamp, '', stranger);

export const stateAtStart = (place: Place): FoldState => initialState(place, 0);

/** The window of an event that is its first. */
export const newWindow = (candidate: Candidate, offset: number): Window =>
  firstOf(windowEventOf(candidate), candidate.quantity, offset);

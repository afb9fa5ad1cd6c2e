import { readSchemaDirectory } from '../../services/shared/avro/schema-directory.ts';
import { usageEventEncoder } from '../../services/shared/avro/usage-event-codec.ts';
import { eventsOfUsage } from '../../services/provider-sdk/events-of-usage.ts';
import type { Usage } from '../../services/provider-sdk/usage.ts';
import { formatQuantity } from '../../services/shared/model/decimal.ts';
import { partitionOfKey, resourceKey } from '../../services/shared/model/placement.ts';
import { isoText } from '../../services/shared/model/time.ts';
import { uuidText, type UsageEvent } from '../../services/shared/model/usage-event.ts';

/** `schemas/test-vectors.json`: what a producer in any language must make of usage. Made by our own code. */
export const VECTORS_FILE = 'schemas/test-vectors.json';

const SUBSCRIPTION = '0f723db3-b972-4e48-9aaa-614b04457bf2';
const GROUP = `/subscriptions/${SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Compute`;
/** Of topics with these numbers of partitions. */
const PARTITION_COUNTS = [1, 2, 3, 6, 12, 15];

const PLAIN = {
  subscriptionId: SUBSCRIPTION,
  resourceUri: `${GROUP}/virtualMachines/vm1`,
  meterId: 'FAB6EB84-500B-4A09-A8CA-7358F8BBAEA5',
  from: '2026-02-03T04:00:00Z',
  to: '2026-02-03T05:00:00Z',
  quantity: '1',
  location: 'local',
} as const;

/** A line of JSON: what is left out of it is not there. */
type Line = Readonly<Record<string, unknown>>;

const line = (changes: Line = {}): Line => ({ ...PLAIN, ...changes });

const machine = (name: string): string => `${GROUP}/virtualMachines/${name}`;

/** A resource URI of this many bytes. */
const uriOf = (bytes: number): string => {
  const start = machine('');
  return start + 'x'.repeat(bytes - start.length);
};

const ACCEPTED: Readonly<Record<string, Line>> = {
  'one hour': line(),
  'the same in other case has the same id and key, and other bytes': line({
    subscriptionId: SUBSCRIPTION.toUpperCase(),
    resourceUri: machine('VM1').replace(SUBSCRIPTION, SUBSCRIPTION.toUpperCase()),
    meterId: PLAIN.meterId.toLowerCase(),
  }),
  'letters beyond ASCII keep their case': line({
    resourceUri: machine('ÉTÉ-Straße-İstanbul-\u212aelvin-ΣΟΦΟΣ-日本-🚀'),
  }),
  'combining letters are not composed': line({ resourceUri: machine('e\u0301-\u00e9') }),
  'characters that writers of JSON like to escape': line({
    resourceUri: machine('a"b\\c/d<e>&f\'g h%20\u00a0\ufeff'),
  }),
  'a discriminator': line({ discriminator: '2026-02-03T06:00:00Z' }),
  'a discriminator with control characters': line({
    discriminator: 'Ä\u0000\b\t\n\f\r\u001f\u007f\u2028\u2029"\\',
  }),
  'the quantity zero': line({ quantity: '0' }),
  'minus zero is zero': line({ quantity: '-0.0' }),
  'the smallest quantity above zero': line({ quantity: `0.${'0'.repeat(29)}1` }),
  'a quantity whose highest bit is free': line({ quantity: `0.${'0'.repeat(27)}127` }),
  'a quantity that needs a byte for its sign': line({ quantity: `0.${'0'.repeat(27)}128` }),
  'the largest quantity': line({ quantity: `${'9'.repeat(15)}.${'9'.repeat(30)}` }),
  'a recorded quantity with an exponent': line({ quantity: '8.381903171539307e-08' }),
  'a quantity as a number of JSON': line({ quantity: 0.1 }),
  'zeros at both ends of a quantity': line({ quantity: '007.500' }),
  milliseconds: line({ from: '2026-02-03T04:00:00.001Z', to: '2026-02-03T04:59:59.999Z' }),
  'offsets from UTC': line({ from: '2026-02-03T06:00:00+02:00', to: '2026-02-02T23:30:00-05:30' }),
  'the last millisecond of a day': line({
    from: '2026-02-03T23:59:59.999Z',
    to: '2026-02-04T00:00:00Z',
  }),
  'the last hour of 29 February': line({
    from: '2028-02-29T23:00:00Z',
    to: '2028-03-01T00:00:00Z',
  }),
  'three hours, split': line({
    from: '2026-02-03T04:00:00Z',
    to: '2026-02-03T07:00:00Z',
    quantity: '1',
  }),
  'over the end of a year, in parts that do not come out even': line({
    from: '2026-12-31T22:20:00.123Z',
    to: '2027-01-01T01:10:30Z',
    quantity: '7.000000000000000000000000000001',
  }),
  'more than 10^15 in two hours': line({
    to: '2026-02-03T06:00:00Z',
    quantity: '1000000000000000',
  }),
  'tags that are null': line({ tags: null, additionalInfo: null }),
  'tags that are empty': line({ tags: '', additionalInfo: '' }),
  'tags that say null': line({ tags: 'null', additionalInfo: 'null' }),
  'tags as JSON in a text': line({
    tags: '{"cost center": "Zürich", "b":1}',
    additionalInfo: '{"ServiceType":"Standard_D2_v2"}',
  }),
  'control characters in tags': line({ tags: 'a\u0000b\nc\t"d"\\' }),
  'a resource of 1,024 bytes': line({ resourceUri: uriOf(1024) }),
  'a meter of one byte': line({ meterId: 'm' }),
  'a location beyond ASCII': line({ location: 'Zürich' }),
};

const without = (field: string): Line =>
  Object.fromEntries(Object.entries(PLAIN).filter(([name]) => name !== field));

const REFUSED: Readonly<Record<string, Line>> = {
  'no subscription': without('subscriptionId'),
  'no location': without('location'),
  'no time': without('from'),
  'an empty meter': line({ meterId: '' }),
  'a meter that is no text': line({ meterId: 5 }),
  'a resource of 1,025 bytes': line({ resourceUri: uriOf(1025) }),
  'over 1,024 bytes with fewer letters': line({ meterId: 'é'.repeat(513) }),
  'a line break in a name': line({ resourceUri: machine('a\nb') }),
  'a control character beyond ASCII in a name': line({ meterId: 'a\u0085b' }),
  'a line separator in a name': line({ meterId: 'a\u2028b' }),
  'half of a surrogate pair': line({ resourceUri: machine('a\ud83d') }),
  'half of a surrogate pair in tags': line({ tags: '\ude80' }),
  'an empty location': line({ location: '' }),
  'the resource of another subscription': line({
    subscriptionId: '1d6c4363-3a9b-4cb6-8e6c-fc2e9ec74ca4',
  }),
  'a resource without a subscription': line({ resourceUri: '/providers/Microsoft.Compute/x' }),
  'a quantity below zero': line({ quantity: '-0.000000000000000000000000000001' }),
  'the quantity 10^15': line({ quantity: '1000000000000000' }),
  'a quantity of 31 decimals': line({ quantity: `0.${'0'.repeat(30)}1` }),
  'a quantity with a comma': line({ quantity: '1,5' }),
  'a quantity with spaces': line({ quantity: ' 1' }),
  'a quantity in other digits': line({ quantity: '١' }),
  'no quantity in the text': line({ quantity: '' }),
  'a quantity that is no number': line({ quantity: 'NaN' }),
  'a time without an offset': line({ from: '2026-02-03T04:00:00' }),
  'a time finer than a millisecond': line({ from: '2026-02-03T04:00:00.0001Z' }),
  'a day that does not exist': line({ from: '2026-02-29T04:00:00Z' }),
  'usage that takes no time': line({ to: PLAIN.from }),
  'usage that ends before it starts': line({ to: '2026-02-03T03:00:00Z' }),
  'usage of more than 45 days': line({ to: '2026-03-20T05:00:00.001Z' }),
  'a field that does not exist': line({ qty: '1' }),
  'everything at once': {
    ...without('meterId'),
    quantity: 'x',
    from: 'yesterday',
    location: null,
    subscriptionId: 'other',
  },
};

const encode = usageEventEncoder(readSchemaDirectory());

const expectedOf = (event: UsageEvent) => {
  const key = resourceKey(event.resourceUri);
  return {
    eventId: uuidText(event.eventId),
    usageStartTime: isoText(event.usageStartTime),
    usageEndTime: isoText(event.usageEndTime),
    quantity: formatQuantity(event.quantity),
    key,
    value: encode(event).toString('hex'),
    partitions: Object.fromEntries(
      PARTITION_COUNTS.map((count) => [String(count), partitionOfKey(key, count)]),
    ),
  };
};

const eventsOf = (usage: Line) => eventsOfUsage(usage as unknown as Usage);

/** The file as it must be. Throws if our own code does not accept or refuse what it should. */
export const vectorsText = (): string => {
  const accepted = Object.entries(ACCEPTED).map(([name, usage]) => {
    const events = eventsOf(usage);
    if (!events.ok) throw new Error(`"${name}" is refused: ${JSON.stringify(events.error)}`);
    return { name, usage, events: events.value.map(expectedOf) };
  });
  const refused = Object.entries(REFUSED).map(([name, usage]) => {
    const events = eventsOf(usage);
    if (events.ok) throw new Error(`"${name}" is accepted`);
    const fields = [...new Set(events.error.map(({ field }) => field))].sort();
    return { name, usage, fields };
  });
  return `${JSON.stringify({ accepted, refused }, null, 1)}\n`;
};

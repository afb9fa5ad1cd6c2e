/**
 * The texts of an event, described once: what checks, encodes, stores, selects, compares or passes them on
 * follows from these lists. Only the audit has a list of its own, see `services/operations/audit/texts.ts`.
 */

/** What identifies the consumption, without regard to case: 1 to 1,024 bytes each. */
export const IDENTITY = [
  { name: 'subscriptionId', column: 'subscription_id', key: 'subscription_key', isNullable: false },
  { name: 'meterId', column: 'meter_id', key: 'meter_key', isNullable: false },
  { name: 'resourceUri', column: 'resource_uri', key: 'resource_key', isNullable: false },
] as const;

/**
 * What an event says besides, in the order of the schema, after all other fields. A window keeps the
 * attributes of its first event while its hour is open, so they must not fill the memory. Azure's own limit
 * for tags (50 tags of 512 and 256 characters) is below 64 KiB.
 */
export const ATTRIBUTES = [
  { name: 'location', column: 'location', maxBytes: 1024, isNullable: false },
  { name: 'tags', column: 'tags', maxBytes: 64 * 1024, isNullable: true },
  { name: 'additionalInfo', column: 'additional_info', maxBytes: 64 * 1024, isNullable: true },
] as const;

export const TEXTS = [...IDENTITY, ...ATTRIBUTES];
export const TEXT_NAMES = TEXTS.map(({ name }) => name);
export const TEXT_COLUMNS = TEXTS.map(({ column }) => column);

type Described = (typeof TEXTS)[number];

/** The texts of an event by their names. */
export type EventTexts = {
  readonly [Text in Described as Text['name']]: Text['isNullable'] extends true
    ? string | null
    : string;
};

export type Identity = Pick<EventTexts, (typeof IDENTITY)[number]['name']>;

/** Texts by their names, given in the order of the lists. */
export const textsFrom = (values: readonly (string | null)[]): EventTexts => {
  const texts: Partial<Record<keyof EventTexts, string | null>> = {};
  TEXT_NAMES.forEach((name, n) => {
    texts[name] = values[n] ?? null;
  });
  return texts as EventTexts;
};

/** The texts of something that has more than texts. */
export const textsOf = (given: EventTexts): EventTexts =>
  textsFrom(TEXT_NAMES.map((name) => given[name]));

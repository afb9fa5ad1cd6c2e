import type { Values } from './differences.ts';
import type { Columns } from './stored-rows.ts';

/** The names that identify usage: 1 to 1,024 bytes each. */
export const IDENTITIES = [
  { name: 'subscriptionId', column: 'subscription_id' },
  { name: 'meterId', column: 'meter_id' },
  { name: 'resourceUri', column: 'resource_uri' },
] as const;

/** What usage says besides, with the most bytes that each may have. */
export const ATTRIBUTES = [
  { name: 'location', column: 'location', longest: 1_024 },
  { name: 'tags', column: 'tags', longest: 65_536 },
  { name: 'additionalInfo', column: 'additional_info', longest: 65_536 },
] as const;

/** All texts of usage, in the order of the tables. A window shows those of its first event. */
export const TEXTS = [...IDENTITIES, ...ATTRIBUTES] as const;

export type TextName = (typeof TEXTS)[number]['name'];

export type Texts = Readonly<
  Record<(typeof IDENTITIES)[number]['name'], string> &
    Record<(typeof ATTRIBUTES)[number]['name'], string | null>
>;

/** The columns of the texts, in every table. */
export const TEXT_COLUMNS: Columns = Object.fromEntries(
  TEXTS.map(({ column }) => [column, `t.${column}`]),
);

/** Texts by their names. */
export const textsBy = (valueOf: (name: TextName) => string | null): Texts =>
  Object.fromEntries(TEXTS.map(({ name }) => [name, valueOf(name)])) as Texts;

/** The values in the order of the columns. */
export const textValues = (given: Texts): Values => TEXTS.map(({ name }) => given[name]);

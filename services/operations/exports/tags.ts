import { isLosslessNumber, parse, stringify } from 'lossless-json';

/** The value of a tag, as its provider wrote it. */
export type TagValue =
  | { readonly type: 'text'; readonly text: string }
  /** A number, boolean, null, object or list: JSON with every digit that was written. */
  | { readonly type: 'json'; readonly text: string };

const parsed = (text: string): unknown => {
  try {
    return parse(text, undefined, { onDuplicateKey: ({ newValue }) => newValue });
  } catch {
    return null; // providers write anything; what is no object has no tags
  }
};

const valueOf = (value: unknown): TagValue =>
  typeof value === 'string'
    ? { type: 'text', text: value }
    : { type: 'json', text: stringify(value) ?? 'null' };

/**
 * The tags of a resource, sorted by name. Providers write them as null, an empty text, `"null"`, JSON, or JSON inside of a JSON text
 * (docs/azure.md).
 */
export const tagsOf = (text: string | null): ReadonlyMap<string, TagValue> => {
  let value = text === null ? null : parsed(text);
  if (typeof value === 'string') value = parsed(value);
  if (typeof value !== 'object' || value === null) return new Map();
  if (Array.isArray(value) || isLosslessNumber(value)) return new Map();
  const tags = Object.entries(value).map(([name, each]) => [name, valueOf(each)] as const);
  return new Map(tags.sort(([a], [b]) => (a < b ? -1 : 1)));
};

/** Like the names of Azure's tags, names are compared without case. */
export const tagNamed = (tags: ReadonlyMap<string, TagValue>, name: string): TagValue | null => {
  const wanted = name.toLowerCase();
  for (const [each, value] of tags) if (each.toLowerCase() === wanted) return value;
  return null;
};

/** The value in a flat JSON object, as FOCUS has it: a tag without a value is true, and a nested value is text. */
const flatJson = ({ type, text }: TagValue): string => {
  if (text === '' || (type === 'json' && text === 'null')) return 'true';
  return type === 'text' || /^[[{]/.test(text) ? JSON.stringify(text) : text;
};

/** Tags as a flat JSON object; null if there are none. */
export const flatTags = (tags: ReadonlyMap<string, TagValue>): string | null =>
  tags.size === 0
    ? null
    : `{${[...tags].map(([name, value]) => `${JSON.stringify(name)}:${flatJson(value)}`).join(',')}}`;

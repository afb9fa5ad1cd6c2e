/** A tag's value is text. A tag without a value is true, as FOCUS has it. */
export type TagValue = string | true;

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return null; // providers write anything; what is no object has no tags
  }
};

const valueOf = (value: unknown): TagValue => {
  if (value === null || value === '' || value === true) return true;
  return typeof value === 'string' ? value : JSON.stringify(value);
};

/**
 * The tags of a resource, sorted by name. Providers write them as null, an empty text, `"null"`, JSON, or JSON inside of a JSON text
 * (docs/azure.md).
 */
export const tagsOf = (text: string | null): ReadonlyMap<string, TagValue> => {
  let value = text === null ? null : parsed(text);
  if (typeof value === 'string') value = parsed(value);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return new Map();
  const tags = Object.entries(value).map(([name, each]) => [name, valueOf(each)] as const);
  return new Map(tags.sort(([a], [b]) => (a < b ? -1 : 1)));
};

/** Like the names of Azure's tags, names are compared without case. */
export const tagNamed = (tags: ReadonlyMap<string, TagValue>, name: string): TagValue | null => {
  const wanted = name.toLowerCase();
  for (const [each, value] of tags) if (each.toLowerCase() === wanted) return value;
  return null;
};

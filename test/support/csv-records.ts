export type Exact = Readonly<Record<string, string | null>>;

/** A reader of CSV of its own. */
export const recordsOf = (text: string): readonly Exact[] => {
  const records: (string | null)[][] = [[]];
  for (const [, inQuotes, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\n]*))(,|\n)/g)) {
    records.at(-1)?.push(inQuotes?.replaceAll('""', '"') ?? (plain || null));
    if (end === '\n') records.push([]);
  }
  const [heading = [], ...rows] = records.slice(0, -1);
  return rows.map((row) =>
    Object.fromEntries(heading.map((name, n) => [name ?? '', row[n] ?? null] as const)),
  );
};

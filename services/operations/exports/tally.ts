import type { RowBlocks } from './column.ts';
import type { ExportRow } from './export-row.ts';
import { unitPrice, type ExportContext } from './layouts/export-context.ts';

/** What went into files. */
export interface Tally {
  rows: number;
  /** The total cost in units of 10^-40 of the currency. */
  cost: bigint;
  /** Rows without a price, by meter. */
  readonly unrated: Map<string, number>;
}

export const newTally = (): Tally => ({ rows: 0, cost: 0n, unrated: new Map() });

const addCost = (tally: Tally, row: ExportRow, context: ExportContext): void => {
  if (context.prices === null) return;
  const price = unitPrice(context.prices, row);
  if (price === null) tally.unrated.set(row.meterKey, (tally.unrated.get(row.meterKey) ?? 0) + 1);
  else tally.cost += price * row.quantity;
};

/** Counts rows on their way. */
export async function* counted(
  blocks: RowBlocks<ExportRow>,
  tally: Tally,
  context: ExportContext,
  onRows: (rows: number) => void,
): AsyncGenerator<readonly ExportRow[]> {
  for await (const rows of blocks) {
    for (const row of rows) addCost(tally, row, context);
    tally.rows += rows.length;
    onRows(tally.rows);
    yield rows;
  }
}

/** Adds what went into another file. */
export const addTally = (tally: Tally, { rows, cost, unrated }: Tally): void => {
  tally.rows += rows;
  tally.cost += cost;
  for (const [meter, count] of unrated) {
    tally.unrated.set(meter, (tally.unrated.get(meter) ?? 0) + count);
  }
};

import type { EventTexts } from '../../services/shared/model/event-texts.ts';
import { instanceData, offsetText } from '../../services/shared/model/instance-data.ts';
import { millis } from '../../services/shared/model/time.ts';
import type { RowKey } from '../../services/usage-api/continuation-token.ts';
import { EMPTY_PAGE, pagesOf, type PageText } from '../../services/usage-api/page-text.ts';
import { StoredRows } from '../../services/usage-api/stored-rows.ts';
import type { UsageAggregateResource } from '../../services/usage-api/usage-row.ts';

/** A row of the usage tables as `pageSql` selects it. */
export interface UsageRow extends RowKey, EventTexts {
  /** The end of the usage hour or day, exclusive, in seconds since 1970. */
  readonly usageEnd: number;
  /** As decimal text. */
  readonly quantity: string;
}

/** Row `n` of an answer: the keys of rows are in the order of their numbers. */
export const usageRow = (n: number, usageStart = 0): UsageRow => ({
  usageStart,
  usageEnd: usageStart + 3600,
  subscriptionKey: 's',
  meterKey: 'm',
  resourceKey: String(n).padStart(5, '0'),
  subscriptionId: 's',
  meterId: 'm',
  resourceUri: String(n),
  location: '',
  tags: null,
  additionalInfo: null,
  quantity: '1',
});

const number = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};

const text = (value: string): Buffer => {
  const bytes = Buffer.from(value);
  const length: number[] = [];
  for (let rest = bytes.length; ; rest = Math.floor(rest / 128)) {
    length.push(rest < 128 ? rest : (rest % 128) + 128);
    if (rest < 128) break;
  }
  return Buffer.concat([Buffer.from(length), bytes]);
};

const nullable = (value: string | null): Buffer =>
  value === null ? Buffer.from([1]) : Buffer.concat([Buffer.from([0]), text(value)]);

/** Rows as the engine gives them in RowBinary. */
export const rowBinaryOf = (rows: readonly UsageRow[]): Buffer =>
  Buffer.concat(
    rows.flatMap((row) => [
      number(row.usageStart),
      ...[row.subscriptionKey, row.meterKey, row.resourceKey].map(text),
      number(row.usageEnd),
      ...[row.quantity, row.subscriptionId, row.meterId, row.resourceUri, row.location].map(text),
      ...[row.tags, row.additionalInfo].map(nullable),
    ]),
  );

/** The first page of rows, with `limit` rows at most. */
export const pageOfRows = (rows: readonly UsageRow[], limit: number, caller: string): PageText => {
  const given = rows.slice(0, limit + 1);
  const stored = new StoredRows(rowBinaryOf(given), limit + 1);
  return pagesOf(stored, null, limit, caller)[0] ?? EMPTY_PAGE;
};

const timeText = (seconds: number): string => offsetText(millis(seconds * 1000));

/** What the usage API says of a row. */
export const resourceOf = (row: UsageRow, caller: string): UsageAggregateResource => {
  const name = `${row.subscriptionId}-${row.meterId}`;
  return {
    id: `/subscriptions/${caller}/providers/Microsoft.Commerce/UsageAggregate/${name}`,
    name,
    type: 'Microsoft.Commerce/UsageAggregate',
    properties: {
      subscriptionId: row.subscriptionId,
      usageStartTime: timeText(row.usageStart),
      usageEndTime: timeText(row.usageEnd),
      instanceData: instanceData(row),
      quantity: Number(row.quantity),
      meterId: row.meterId,
      name,
    },
  };
};

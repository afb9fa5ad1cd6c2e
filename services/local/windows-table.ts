import type { ClickHouseClient } from '@clickhouse/client';
import { queryRows } from '../shared/clickhouse/client.ts';

const QUERY = `
SELECT formatDateTime(reported_hour, '%Y-%m-%d %H:00', 'UTC') AS hour, any(m.category) AS category,
  any(m.name) AS meter, any(m.unit) AS unit, toString(count()) AS windows,
  toString(sum(u.quantity)) AS quantity
FROM usage_closed_hours AS u LEFT JOIN (SELECT * FROM meters FINAL) AS m ON m.meter_key = u.meter_key
WHERE topic LIKE '%.history.%'
GROUP BY reported_hour, u.meter_key ORDER BY reported_hour, category, meter LIMIT 20`;

/** The closed hourly windows of history, a line for each reported hour and meter. */
export const windowsTable = async (client: ClickHouseClient): Promise<string> => {
  const rows = await queryRows<Record<string, string>>(client, QUERY);
  const headings = ['hour', 'category', 'meter', 'windows', 'quantity', 'unit'];
  const lines = [
    ['REPORTED HOUR', 'CATEGORY', 'METER', 'WINDOWS', 'QUANTITY', 'UNIT'],
    ...rows.map((row) => headings.map((name) => row[name] ?? '')),
  ];
  const widths = headings.map((_, column) =>
    Math.max(...lines.map((line) => (line[column] ?? '').length)),
  );
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
};

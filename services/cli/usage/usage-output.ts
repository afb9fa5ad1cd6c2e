import { isoText, type Millis } from '../../shared/model/time.ts';
import type { UsageRow } from '../../shared/usage-client/usage-row.ts';
import { print, writeData } from '../print.ts';
import { MeterNames } from './meter-names.ts';
import { CSV_HEADER, rowCsv, rowJson, type ShownRow } from './usage-records.ts';
import { formatUsage } from './usage-table.ts';

export const OUTPUT_FORMATS = ['table', 'json', 'ndjson', 'csv'] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

/** Where rows go. */
interface UsageOutput {
  /** Rows so far. */
  readonly rows: number;
  /** Whether rows are written as they come. */
  readonly isStreamed: boolean;
  closed(row: UsageRow): Promise<void>;
  /** From here on reported hours are open. */
  beginOpen(from: Millis): void;
  open(row: UsageRow): Promise<void>;
  /** There are more rows than the limit allows. */
  isCut(): void;
  /** Nothing failed: what was collected is printed. */
  end(): Promise<void>;
}

export const usageOutput = ({
  output,
  granularity,
}: {
  readonly output: OutputFormat;
  readonly granularity: 'Hourly' | 'Daily';
}): UsageOutput => (output === 'table' ? new TableOutput(granularity) : new StreamOutput(output));

/** Collects rows, because the widths of columns depend on all of them. */
class TableOutput implements UsageOutput {
  readonly isStreamed = false;
  private readonly granularity: 'Hourly' | 'Daily';
  private readonly closedRows: UsageRow[] = [];
  private readonly openRows: UsageRow[] = [];
  private openFrom: Millis | null = null;
  private hasMore = false;

  constructor(granularity: 'Hourly' | 'Daily') {
    this.granularity = granularity;
  }

  get rows(): number {
    return this.closedRows.length + this.openRows.length;
  }

  closed(row: UsageRow): Promise<void> {
    this.closedRows.push(row);
    return Promise.resolve();
  }

  beginOpen(from: Millis): void {
    this.openFrom = from;
  }

  open(row: UsageRow): Promise<void> {
    this.openRows.push(row);
    return Promise.resolve();
  }

  isCut(): void {
    this.hasMore = true;
  }

  end(): Promise<void> {
    const meters = new MeterNames();
    if (this.closedRows.length > 0) {
      print(formatUsage(this.closedRows, this.granularity, meters));
      print('');
    }
    if (this.openFrom !== null && this.openRows.length > 0) {
      print(
        `PROVISIONAL: reported since ${isoText(this.openFrom)}, not closed yet. It may still grow.\n`,
      );
      print(formatUsage(this.openRows, this.granularity, meters));
      print('');
    }
    print(this.summary());
    return Promise.resolve();
  }

  private summary(): string {
    const { rows } = this;
    const count = `${rows.toLocaleString('en')} row${rows === 1 ? '' : 's'}`;
    if (this.hasMore)
      return `The first ${count}. There are more: --limit, or --output csv for all.`;
    if (rows === 0) return 'No usage was reported in this range.';
    return this.openRows.length === 0
      ? `${count}.`
      : `${count}, of which ${this.openRows.length.toLocaleString('en')} provisional.`;
  }
}

/** Writes each row as it comes. Only a complete answer ends the JSON array. */
class StreamOutput implements UsageOutput {
  readonly isStreamed = true;
  private readonly format: 'json' | 'ndjson' | 'csv';
  private readonly meters: MeterNames;
  rows = 0;

  constructor(format: 'json' | 'ndjson' | 'csv') {
    this.format = format;
    this.meters = new MeterNames(format === 'csv' ? undefined : []);
  }

  closed(row: UsageRow): Promise<void> {
    return this.write({ row, isProvisional: false });
  }

  beginOpen(): void {
    // Each row says it of itself.
  }

  open(row: UsageRow): Promise<void> {
    return this.write({ row, isProvisional: true });
  }

  isCut(): void {
    process.stderr.write('usagectl: there are more rows than --limit allows\n');
  }

  async end(): Promise<void> {
    if (this.format === 'json') await writeData(this.rows === 0 ? '[]\n' : '\n]\n');
    else if (this.format === 'csv' && this.rows === 0) await writeData(CSV_HEADER);
  }

  private async write(shown: ShownRow): Promise<void> {
    const isFirst = this.rows++ === 0;
    switch (this.format) {
      case 'json':
        return writeData(`${isFirst ? '[\n' : ',\n'}${rowJson(shown)}`);
      case 'ndjson':
        return writeData(`${rowJson(shown)}\n`);
      case 'csv':
        return writeData(`${isFirst ? CSV_HEADER : ''}${rowCsv(shown, this.meters)}`);
    }
  }
}

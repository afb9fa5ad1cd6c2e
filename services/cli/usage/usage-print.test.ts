import { parse } from 'lossless-json';
import { parseQuantity, ZERO } from '../../shared/model/decimal.ts';
import { millis } from '../../shared/model/time.ts';
import { timeOf } from '../../shared/model/time-text.ts';
import { readPage, type UsageRow } from '../../shared/usage-client/usage-row.ts';
import { widthOf } from '../../shared/terminal/printable.ts';
import { MeterNames } from './meter-names.ts';
import { barText, UsageProgress } from './usage-progress.ts';
import { CSV_HEADER, rowCsv, rowJson } from './usage-records.ts';
import { formatUsage } from './usage-table.ts';

const SUBSCRIPTION = '1d6c4363-3a9b-4cb6-8e6c-fc2e9ec74ca4';

const row = (changes: Partial<UsageRow> = {}): UsageRow => {
  const resourceUri = `/subscriptions/${SUBSCRIPTION}/resourceGroups/vaasrgd47d/providers/Microsoft.Compute/virtualMachines/VMClient0`;
  const all = { resourceUri, location: 'northwest', tags: 'null', additionalInfo: '', ...changes };
  const { location, tags, additionalInfo } = all;
  return {
    id: '/id',
    name: 'n',
    type: 'Microsoft.Commerce/UsageAggregate',
    subscriptionId: SUBSCRIPTION,
    meterId: '9cd92d4c-bafd-4492-b278-bedc2de8232a',
    usageStart: timeOf('2019-12-10T18:00:00Z'),
    usageEnd: timeOf('2019-12-10T19:00:00Z'),
    quantity: parseQuantity('0.0013440860215053762') ?? ZERO,
    ...all,
    instanceData: JSON.stringify({
      'Microsoft.Resources': { resourceUri: all.resourceUri, location, tags, additionalInfo },
    }),
  };
};

const meters = new MeterNames();

describe('a table', () => {
  test.each([80, 100, 200])('fits on a terminal of %i columns', (width) => {
    for (const granularity of ['Hourly', 'Daily'] as const) {
      const table = formatUsage([row(), row({ resourceUri: '/x' })], granularity, meters, width);
      expect(Math.max(...table.split('\n').map(widthOf))).toBeLessThanOrEqual(width);
      expect(table).toContain('0.0013440860215053762');
    }
  });

  test('in a pipe everything is whole', () => {
    const table = formatUsage([row()], 'Hourly', meters, Infinity);
    for (const text of [
      SUBSCRIPTION,
      row().resourceUri,
      'Windows VM Size Hours',
      'Virtual core hours',
    ]) {
      expect(table).toContain(text);
    }
  });

  test('a meter that the catalog does not know is shown by its id', () => {
    expect(formatUsage([row({ meterId: 'unknown' })], 'Daily', meters, 80)).toContain('unknown');
  });
});

describe('JSON', () => {
  test('is a row of the usage API, value for value', () => {
    const odd = row({ tags: '=1+1', location: '\u001b[2J\u202e' });
    const json = rowJson({ row: odd, isProvisional: false });
    const page = readPage(`{"value":[${json}]}`);
    expect(page.ok && page.value.rows).toEqual([odd]);
    expect(json).not.toMatch(/[\u001b\u202e]/);
    expect(parse(json)).not.toHaveProperty('provisional');
  });

  test('usage of an open hour is marked', () => {
    expect(parse(rowJson({ row: row(), isProvisional: true }))).toHaveProperty('provisional', true);
  });
});

test('CSV has names and units, neutralises formulas, and leaves numbers alone', () => {
  const odd = row({ location: '@SUM(A1)', tags: null, quantity: parseQuantity('-1.5') ?? ZERO });
  const lines = CSV_HEADER + rowCsv({ row: odd, isProvisional: true }, meters);
  expect(lines).toBe(
    'UsageStartTime,UsageEndTime,SubscriptionId,MeterId,MeterName,Unit,Quantity,ResourceUri,Location,Tags,AdditionalInfo,Provisional\n' +
      `2019-12-10T18:00:00Z,2019-12-10T19:00:00Z,${SUBSCRIPTION},9cd92d4c-bafd-4492-b278-bedc2de8232a,` +
      `Windows VM Size Hours,Virtual core hours,-1.5,${odd.resourceUri},'@SUM(A1),,,true\n`,
  );
});

describe('progress', () => {
  const range = { from: timeOf('2019-12-10T00:00:00Z'), to: timeOf('2019-12-11T00:00:00Z') };

  const drawn = (isTTY: boolean, isHidden: boolean): string => {
    let text = '';
    const terminal = {
      isTTY,
      columns: 80,
      write: (part: string) => {
        text += part;
      },
    };
    const progress = new UsageProgress(range, isHidden, terminal);
    progress.begin();
    progress.row(timeOf('2019-12-10T12:00:00Z'));
    progress.wait({
      failure: { status: 202, code: 'c', message: 'Not yet.\u001b[2J'.repeat(20), requestId: null },
      waitMillis: 29_001,
    });
    progress.end();
    return text;
  };

  test('is one line that goes away, no wider than the terminal', () => {
    const text = drawn(true, false);
    expect(text).toContain('[##########----------]  50 %  1 rows');
    expect(text).toContain('Asking again in 30 s (Ctrl-C ends): Not yet.\\u001b[2J');
    expect(text.endsWith('\r\u001b[K')).toBe(true);
    for (const line of text.split('\r')) {
      expect(widthOf(line.replace('\u001b[K', ''))).toBeLessThan(80);
    }
  });

  test('is nowhere in a pipe, nor between rows that the terminal shows', () => {
    expect(drawn(false, false)).toBe('');
    expect(drawn(true, true)).toBe('');
  });

  test('never leaves its bar', () => {
    for (const share of [-5, 0, 1, 7]) expect(barText(share, 0)).toHaveLength(36);
    expect(barText((millis(5) - 0) / 10, 12_000)).toContain(' 50 %  12,000 rows');
  });
});

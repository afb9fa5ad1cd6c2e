import { readFileSync } from 'node:fs';
import { formatQuantity } from '../../shared/model/decimal.ts';
import { isoText } from '../../shared/model/time.ts';
import { recordedEvents } from './recorded-events.ts';
import { readRecording } from './recording.ts';

const SAMPLE = readFileSync('samples/recorded-usage.json', 'utf8');

interface Row {
  properties: Record<string, unknown>;
}

interface File {
  request?: Record<string, unknown>;
  nextLink?: string;
  value: Row[];
}

const eventsOf = (text: string) => recordedEvents('f.json', readRecording('f.json', text));

/** What is said of the sample after a change to it. */
const refusalOf = (change: (file: File, row: Record<string, unknown>) => void): string => {
  const file = JSON.parse(SAMPLE) as File;
  change(file, file.value[4]?.properties ?? {});
  try {
    eventsOf(JSON.stringify(file));
  } catch (error) {
    return (error as Error).message;
  }
  return 'it was not refused';
};

test('each row is an event of its own usage time, reported in the last millisecond of the range', () => {
  const events = eventsOf(SAMPLE);
  expect(events).toHaveLength(79);
  expect(new Set(events.map(({ reportedTime }) => isoText(reportedTime)))).toEqual(
    new Set(['2019-12-10T19:59:59.999Z']),
  );
  const [first] = events;
  expect(first && formatQuantity(first.event.quantity)).toBe('16.461425899527967');
  expect(first && isoText(first.event.usageStartTime)).toBe('2019-12-10T18:00:00Z');
});

test('tags and additional info come through as null, as an empty text, as text and from an object', () => {
  const file = JSON.parse(SAMPLE) as File;
  const values = [null, '', 'null', '{"a":1}', { a: 1 }];
  values.forEach((tags, n) => {
    const row = file.value[n]?.properties ?? {};
    const instance = JSON.parse(String(row['instanceData'])) as Record<string, object>;
    row['instanceData'] = JSON.stringify({
      'Microsoft.Resources': { ...instance['Microsoft.Resources'], tags },
    });
  });
  const tags = eventsOf(JSON.stringify(file)).map(({ event }) => event.tags);
  expect(tags.slice(0, 5)).toEqual([null, '', 'null', '{"a":1}', '{"a":1}']);
});

test.each<[string, (file: File, row: Record<string, unknown>) => void]>([
  ['row 5: the quantity is below zero', (_, row) => (row['quantity'] = -1)],
  ['row 5: the quantity is 10^15 or more', (_, row) => (row['quantity'] = 1e20)],
  ['row 5: quantity 1e-31 has more than 30 decimal places', (_, row) => (row['quantity'] = 1e-31)],
  ['row 5: properties.quantity', (_, row) => delete row['quantity']],
  [
    'row 5: properties.usageStartTime: "soon" is no time: write it like 2019-12-10T19:00:00Z',
    (_, row) => (row['usageStartTime'] = 'soon'),
  ],
  [
    'row 5: the usage is not inside one UTC hour',
    (_, row) => (row['usageEndTime'] = '2019-12-10T20:30:00Z'),
  ],
  [
    'row 5: the resource is not in subscription other',
    (_, row) => (row['subscriptionId'] = 'other'),
  ],
  ['row 5: instanceData is not JSON', (_, row) => (row['instanceData'] = '{')],
  ['row 5: instanceData: Microsoft.Resources', (_, row) => (row['instanceData'] = '{}')],
  [
    'row 1: the usage starts after its reported time',
    ({ request }) =>
      Object.assign(request ?? {}, {
        reportedStartTime: '2019-12-10T16:00:00Z',
        reportedEndTime: '2019-12-10T17:00:00Z',
      }),
  ],
  [
    'row 1: the usage started over 45 days before',
    ({ request }) => Object.assign(request ?? {}, { reportedEndTime: '2020-02-10T20:00:00Z' }),
  ],
  [
    'row 80: it repeats the subscription, meter, resource and hour of row 3',
    ({ value }) => value.push(...value.slice(2, 3)),
  ],
  [
    "the request's range must consist of full hours",
    ({ request }) => Object.assign(request ?? {}, { reportedEndTime: '2019-12-10T19:30:00Z' }),
  ],
  [
    'reported hours must lie from 1970-04-01T00:00:00Z to 2106-01-01T00:00:00Z',
    ({ request }) => Object.assign(request ?? {}, { reportedStartTime: '1969-12-10T19:00:00Z' }),
  ],
  [
    'it is not a usage API response: request.reportedStartTime: "2020-04-05T10:00:00" does not say its offset from UTC: write 2020-04-05T10:00:00Z if it is in UTC',
    ({ request }) => Object.assign(request ?? {}, { reportedStartTime: '2020-04-05T10:00:00' }),
  ],
  [
    'it is not a usage API response: request.reportedStartTime: "4/6/2020 10:00:00 AM" is no time',
    ({ request }) => Object.assign(request ?? {}, { reportedStartTime: '4/6/2020 10:00:00 AM' }),
  ],
  [
    'it is not a usage API response: request.reportedEndTime: "6 May 2020 09:00" is no time',
    ({ request }) => Object.assign(request ?? {}, { reportedEndTime: '6 May 2020 09:00' }),
  ],
  ['it does not say what was requested', (file) => delete file.request],
  ['it is one page of several', (file) => (file.nextLink = 'https://more')],
])('refused, saying: %s', (message, change) => {
  expect(refusalOf(change)).toContain(`f.json cannot be replayed: ${message}`);
});

test('text that is no JSON, or no usage API response, is refused', () => {
  expect(() => eventsOf('{"a":')).toThrow('f.json cannot be replayed: it is not JSON');
  expect(() => eventsOf('{"a":1}')).toThrow('it is not a usage API response: value');
});

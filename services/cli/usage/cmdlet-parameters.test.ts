import { parseCmdlet } from './cmdlet-parameters.ts';

const NAMES = ['ReportedStartTime', 'ReportedEndTime', 'AggregationGranularity', 'Show', 'ShowAll'];

const parse = (...words: readonly string[]) => {
  const parsed = parseCmdlet(words, NAMES);
  return parsed.ok ? parsed.value : parsed.error;
};

test('names ignore case, may be cut, and have their value behind a space or a colon', () => {
  const both = { ReportedStartTime: '1', AggregationGranularity: 'Hourly' };
  expect(parse('-ReportedStartTime', '1', '-AggregationGranularity', 'Hourly')).toEqual(both);
  expect(parse('-reportedSTART', '1', '-agg:Hourly')).toEqual(both);
  expect(parse('-ReportedStartTime:1', '-a:', 'Hourly')).toEqual(both);
});

test('a dash that a word processor made long begins a name', () => {
  for (const dash of ['–', '—', '―'])
    expect(parse(`${dash}ReportedEndTime`, '2')).toEqual({ ReportedEndTime: '2' });
});

test('a value may begin with a dash that begins no name', () => {
  expect(parse('-ReportedEndTime', '-5')).toEqual({ ReportedEndTime: '-5' });
});

test('a name that is complete is not taken for the beginning of a longer one', () => {
  expect(parse('-show', 'x', '-ShowA', 'y')).toEqual({ Show: 'x', ShowAll: 'y' });
});

test.each([
  [['-Reported', '1'], '-Reported can mean -ReportedStartTime, -ReportedEndTime'],
  [['-Granularity', 'x'], 'did you mean -AggregationGranularity?'],
  [['-ReportedStrtTime', 'x'], 'did you mean -ReportedStartTime?'],
  [['-Foo', 'x'], 'there is no parameter -Foo. They are -ReportedStartTime, '],
  [['-ReportedEndTime'], '-ReportedEndTime has no value'],
  [['-ReportedEndTime', '-Show', 'x'], '-ReportedEndTime has no value'],
  [['-Show', 'x', '-SHOW', 'y'], '-Show is given twice'],
  [['2019-12-10'], '"2019-12-10" belongs to no parameter'],
])('%j is refused, and the error says what would be right', (words, said) => {
  expect(parse(...words)).toContain(said);
});

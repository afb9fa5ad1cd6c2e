import { readParameters, searchOf } from './query-parameters.ts';

const RULES = {
  known: ['api-version', 'reportedStartTime', 'reportedEndTime', 'subscriberId', 'UsageEndDate'],
};

const problemOf = (search: string): string | undefined => {
  const [problem] = readParameters(new URLSearchParams(search), RULES).problems;
  return problem && `${problem.kind} '${problem.name}' ${problem.problem}`;
};

test('names are taken in any case, and are those of the rules', () => {
  const { values, problems } = readParameters(
    new URLSearchParams('API-VERSION=1&usageenddate=2&SubscriberID=A'),
    RULES,
  );
  expect(problems).toEqual([]);
  expect([...values]).toEqual([
    ['api-version', '1'],
    ['UsageEndDate', '2'],
    ['subscriberId', 'A'],
  ]);
});

test.each([
  ['subscrbrId', 'subscriberId'],
  ['subscriber_id', 'subscriberId'],
  ['subscriptionId', 'subscriberId'],
  ['reportedStart', 'reportedStartTime'],
  ['startTime', 'reportedStartTime'],
  ['apiVersion', 'api-version'],
  ['endDate', 'UsageEndDate'],
])('one that is not known is told with the nearest right one: %s', (name, nearest) => {
  expect(problemOf(`${name}=x`)).toContain(
    `unknown '${name}' is not known: did you mean '${nearest}'? The parameters are api-version, `,
  );
});

test.each(['$filter', '$top', 'x', '', 'showDetails'])(
  'where none is like it, all of them are told: "%s"',
  (name) => {
    const search = new URLSearchParams([[name, 'x']]).toString();
    expect(problemOf(search)).toBe(
      `unknown '${name}' is not known: the parameters are ${RULES.known.join(', ')}`,
    );
  },
);

test('one that is not known is a problem with nothing in it, too', () => {
  expect(problemOf('$filter')).toMatch(/^unknown /);
});

test.each([
  'subscriberId=a&subscriberId=a',
  'subscriberId=a&SUBSCRIBERID=',
  'subscriberId&subscriberId',
])('one that is given twice is told, whatever its case and values: %s', (search) => {
  expect(problemOf(search)).toBe("repeated 'subscriberId' is given twice");
});

test('one that is empty is not taken for one that is missing', () => {
  expect(problemOf('subscriberId=')).toMatch(/^empty 'subscriberId' is empty: /);
  const mayBeEmpty = { ...RULES, mayBeEmpty: ['subscriberId'] };
  const { values, problems } = readParameters(new URLSearchParams('subscriberId='), mayBeEmpty);
  expect([values.get('subscriberId'), problems]).toEqual(['', []]);
});

test('a name is repeated in letters that change no terminal, and not without end', () => {
  const [problem] = readParameters(
    new URLSearchParams([[`\u001b[2J\u009b${'x'.repeat(10_000)}`, '1']]),
    RULES,
  ).problems;
  expect(problem?.name).toMatch(/^\?\[2J\?x{95}$/);
});

test('each problem is told once, in the order of the query', () => {
  const { problems } = readParameters(new URLSearchParams('b=1&subscriberId=&a=1&b=2'), RULES);
  expect(problems.map(({ name }) => name)).toEqual(['b', 'subscriberId', 'a']);
});

test.each([
  ['/path', ''],
  ['/path?', ''],
  ['/path?a=1?b', 'a=1%3Fb'],
  ['/%zz?a=1&b=%zz', 'a=1&b=%25zz'],
])('the search of %s is %s', (url, search) => {
  expect(searchOf(url).toString()).toBe(search);
});

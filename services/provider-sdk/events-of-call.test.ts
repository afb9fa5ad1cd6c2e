import { HOUR_MILLIS } from '../shared/model/time.ts';
import { eventsOfCall } from './events-of-call.ts';
import { UsageRefused } from './provider-errors.ts';
import type { Usage } from './usage.ts';

const usage: Usage = {
  subscriptionId: 's',
  resourceUri: '/subscriptions/s/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/a',
  meterId: 'm',
  from: '2026-11-27T10:00:00Z',
  to: '2026-11-27T12:00:00Z',
  quantity: 2,
  location: 'local',
};

const problemsOf = (...usages: readonly Usage[]): readonly string[] => {
  const events = eventsOfCall(usages, HOUR_MILLIS);
  return events.ok
    ? []
    : events.error.map(({ index, field, problem }) => `${String(index)} ${field} ${problem}`);
};

test('the events of all usages, in their order', () => {
  const events = eventsOfCall([usage, { ...usage, meterId: 'n' }], HOUR_MILLIS);
  expect(events.ok && events.value.map(({ meterId }) => meterId)).toEqual(['m', 'm', 'n', 'n']);
});

test('one wrong usage refuses the call, and every problem of every usage is named', () => {
  expect(
    problemsOf(usage, { ...usage, quantity: -1, location: '' }, { ...usage, meterId: '' }),
  ).toEqual([
    '1 location is missing: give a text',
    '1 quantity is below zero',
    '2 meterId has 0 bytes, allowed are 1 to 1,024',
  ]);
});

test('a hole in a list of usages is a mistake of its own, not left out', () => {
  const holed = new Array<Usage>(2);
  holed[1] = usage;
  expect(eventsOfCall(holed, HOUR_MILLIS)).toEqual({
    ok: false,
    error: [{ index: 0, field: 'usage', problem: 'is not an object' }],
  });
});

test('usage that an earlier one of the call would make a conflict is refused', () => {
  const rival =
    'has the same subscription, meter, resource and period, and differs in something else';
  expect(problemsOf(usage, { ...usage, quantity: 3 })).toEqual([
    `1 discriminator is missing: usage 0 ${rival}`,
  ]);
  // Half of it is about the same hour.
  expect(problemsOf(usage, { ...usage, to: '2026-11-27T11:00:00Z', quantity: 7 })).toHaveLength(1);
  expect(problemsOf(usage, { ...usage, quantity: 3, discriminator: 'b' })).toEqual([]);
  expect(problemsOf(usage, { ...usage })).toEqual([]);
});

test('a refusal says what is wrong with which usage, and how much more', () => {
  const problems = Array.from({ length: 25 }, (_, index) => ({
    index,
    field: 'to',
    problem: 'is x',
  }));
  const { message } = new UsageRefused(problems);
  expect(message).toMatch(
    /^Nothing was sent\. usage 0: to is x; usage 1: to is x; .*and 5 more problems$/,
  );
});

import { timeOf } from '../../../shared/model/time-text.ts';
import { HOUR_MILLIS, millis, type Hour } from '../../../shared/model/time.ts';
import { FaultPlans, isSamePlan, NO_FAULTS, parseFaults } from './fault-plan.ts';

const HOUR = timeOf('2026-02-03T04:00:00Z');

test('shares are read by the names of the faults', () => {
  expect(parseFaults('late:0.05, duplicate:1', 3)).toEqual({
    ok: true,
    value: { ...NO_FAULTS, seed: 3, late: 0.05, duplicate: 1 },
  });
  expect(parseFaults('', 3)).toEqual({ ok: true, value: NO_FAULTS });
  const all = parseFaults('all', 3);
  expect(all.ok && Object.values(all.value).every((share) => share > 0)).toBe(true);
});

test.each(['lat:0.1', 'late', 'late:2', 'late:-1', 'late:0.1,late:0.2', ',', 'late:1e-3'])(
  '%j is refused with what there is',
  (text) => {
    expect(parseFaults(text, 1)).toEqual({
      ok: false,
      error: expect.stringMatching(/such as late:0\.05.*: there are late, gone/) as string,
    });
  },
);

test('an hour keeps the plan with which it began', () => {
  const late = { ...NO_FAULTS, seed: 1, late: 0.5 };
  const next = (HOUR + 2 * HOUR_MILLIS) as Hour;
  const plans = new FaultPlans([
    { fromHour: next, plan: NO_FAULTS },
    { fromHour: HOUR, plan: late },
  ]);
  expect(plans.at(millis(HOUR - 1))).toEqual(NO_FAULTS);
  expect(plans.at(millis(next - 1))).toEqual(late);
  expect(plans.at(next)).toEqual(NO_FAULTS);
  expect(plans.newest).toEqual(NO_FAULTS);
  expect(plans.holdsBack).toBe(true);
});

test('without faults, the seed makes no difference', () => {
  expect(isSamePlan(NO_FAULTS, { ...NO_FAULTS, seed: 9 })).toBe(true);
  const late = { ...NO_FAULTS, seed: 1, late: 0.5 };
  expect(isSamePlan(late, { ...late, seed: 2 })).toBe(false);
});

import fc from 'fast-check';
import { addQuantities, ZERO, type Quantity } from '../../../shared/model/decimal.ts';
import { asciiLower } from '../../../shared/model/placement.ts';
import { HOUR_MILLIS, millis, type Hour, type Millis } from '../../../shared/model/time.ts';
import { timeOf } from '../../../shared/model/time-text.ts';
import { eventsOfUsage } from '../../../provider-sdk/events-of-usage.ts';
import { uuidText } from '../../../shared/model/usage-event.ts';
import { knownConsumption } from '../../simulated-cloud/known-consumption.ts';
import { seededCloud } from '../../simulated-cloud/seeded-cloud.ts';
import { afterPiece, nextStep, progressFrom, type Piece } from '../reporting/progress.ts';
import { reportingClock } from '../reporting/reporting-clock.ts';
import { FaultPlans, parseFaults, type FaultPlan } from './fault-plan.ts';
import { MAX_HELD_HOURS } from './held-back.ts';
import { reportOf, type ReportingRules } from './report-of.ts';

const BEGIN = timeOf('2026-02-26T00:00:00Z');

const planOf = (text: string, seed: number): FaultPlan => {
  const plan = parseFaults(text, seed);
  if (!plan.ok) throw new Error(plan.error);
  return plan.value;
};

const piecesUntil = (end: Millis, reports: number): readonly Piece[] => {
  const pieces: Piece[] = [];
  const clock = reportingClock(HOUR_MILLIS, reports);
  let progress = progressFrom(BEGIN);
  for (;;) {
    const step = nextStep(progress, end, clock);
    if (step.kind === 'wait' || progress.reportedThrough >= end) return pieces;
    if (step.kind === 'claim') progress = step.progress;
    else {
      pieces.push(step.piece);
      progress = afterPiece(progress, step.piece);
    }
  }
};

const totalOf = (
  totals: Map<string, Quantity>,
  { resourceUri, meterId }: { readonly resourceUri: string; readonly meterId: string },
  quantity: Quantity,
): void => {
  const name = asciiLower(`${resourceUri} ${meterId}`);
  totals.set(name, addQuantities(totals.get(name) ?? ZERO, quantity));
};

/** What is counted of all reports: each event once, as the pipeline does. */
const counted = (reports: readonly ReturnType<typeof reportOf>[]): Map<string, Quantity> => {
  const seen = new Map<string, string>();
  const totals = new Map<string, Quantity>();
  for (const usage of reports.flatMap((report) => report.usage)) {
    const events = eventsOfUsage(usage);
    if (!events.ok) throw new Error(JSON.stringify(events.error));
    for (const event of events.value) {
      const id = uuidText(event.eventId);
      const content = JSON.stringify({ ...event, quantity: String(event.quantity) });
      // The same id with other content would be refused.
      expect(seen.get(id) ?? content).toBe(content);
      if (!seen.has(id)) totalOf(totals, event, event.quantity);
      seen.set(id, content);
    }
  }
  return totals;
};

const known = (resources: Parameters<typeof knownConsumption>[0], to: Millis) => {
  const totals = new Map<string, Quantity>();
  for (const { resource, meterId, quantity } of knownConsumption(resources, BEGIN, to)) {
    totalOf(totals, { resourceUri: resource.resourceUri, meterId }, quantity);
  }
  return totals;
};

test('with all faults at once, exactly what was consumed is counted, for any seed', () => {
  const hours = 30;
  const faultsEnd = (BEGIN + hours * HOUR_MILLIS) as Hour;
  const end = millis(faultsEnd + (MAX_HELD_HOURS + 2) * HOUR_MILLIS);
  fc.assert(
    fc.property(fc.nat(10_000), fc.nat(10_000), (cloudSeed, seed) => {
      const resources = seededCloud({ seed: cloudSeed, subscriptions: 1, from: BEGIN, to: end });
      const rules: ReportingRules = {
        provider: 'compute',
        begin: BEGIN,
        hourMillis: HOUR_MILLIS,
        plans: new FaultPlans([
          {
            fromHour: BEGIN,
            plan: planOf('late:0.3,gone:0.2,duplicate:0.2,skew:0.4,malformed:0.1', seed),
          },
          {
            fromHour: (BEGIN + 12 * HOUR_MILLIS) as Hour,
            plan: planOf('late:0.2,skew:0.5', seed + 1),
          },
          { fromHour: faultsEnd, plan: planOf('', 0) },
        ]),
      };
      const pieces = piecesUntil(end, 4);
      const reports = pieces.map((piece) => reportOf(resources, piece, rules));
      expect(counted(reports)).toEqual(known(resources, end));
      pieces.forEach((piece, n) => {
        for (const { from } of reports[n]?.usage ?? []) {
          expect(Number(from)).toBeLessThanOrEqual(piece.to); // else it would be in the future
        }
      });
    }),
    { numRuns: 5 },
  );
});

test('each fault does something, and the same again', () => {
  const end = millis(BEGIN + 40 * HOUR_MILLIS);
  const resources = seededCloud({ seed: 1, subscriptions: 2, from: BEGIN, to: end });
  const reports = (faults: string) => {
    const plans = new FaultPlans([{ fromHour: BEGIN, plan: planOf(faults, 7) }]);
    const rules = { provider: 'compute', begin: BEGIN, hourMillis: HOUR_MILLIS, plans };
    return piecesUntil(end, 4).map((piece) => reportOf(resources, piece, rules));
  };
  const none = reports('');
  expect(none.every(({ spoiled }) => spoiled.length === 0)).toBe(true);
  for (const fault of ['late', 'gone', 'duplicate', 'skew', 'malformed']) {
    const with_ = reports(`${fault}:0.3`);
    expect({ fault, same: JSON.stringify(with_) === JSON.stringify(none) }).toEqual({
      fault,
      same: false,
    });
    expect(reports(`${fault}:0.3`)).toEqual(with_);
  }
  expect(reports('gone:0.3').some(({ usage }) => usage.length === 0)).toBe(true);
});

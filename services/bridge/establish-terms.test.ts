import { hour } from '../../test/support/bridge/aggregates-log.ts';
import { readMeterCatalog } from '../shared/meters/meter-catalog.ts';
import { HOUR_MILLIS, type Hour } from '../shared/model/time.ts';
import type { StoredTerms } from '../shared/billing/terms-table.ts';
import { establishTerms, wantedTerms } from './establish-terms.ts';
import { readRegistration } from '../shared/billing/registration.ts';

const catalog = readMeterCatalog();
const unregistered = wantedTerms(null, catalog);
const registered = wantedTerms(readRegistration('samples/registration.json'), catalog);

/** The table: of several terms for one hour, the first written holds. */
const table = () => {
  const rows: StoredTerms[] = [];
  return {
    rows,
    read: () =>
      Promise.resolve(
        rows
          .filter(
            (row, at) => rows.findIndex((each) => each.effectiveFrom === row.effectiveFrom) === at,
          )
          .sort((a, b) => a.effectiveFrom - b.effectiveFrom),
      ),
    write: (terms: StoredTerms) => {
      rows.push(terms);
      return Promise.resolve();
    },
    newestOpenHour: () => Promise.resolve(hour(5)),
    hourMillis: HOUR_MILLIS,
  };
};

test('the first terms hold for all of history', async () => {
  const terms = table();
  await establishTerms(registered, terms);
  expect(terms.rows).toMatchObject([
    { effectiveFrom: 0, reporting: 'on', planId: 'pay-as-you-use' },
  ]);
});

test('the registration maps meters to dimension and plan, and lists infrastructure', () => {
  const meterId = 'fab6eb84-500b-4a09-a8ca-7358f8bbaea5';
  const registration = readRegistration('samples/registration.json');
  const terms = wantedTerms(
    {
      ...registration,
      meters: { [meterId]: { dimension: 'cores', planId: 'other' } },
      infrastructureSubscriptions: { metering: 'b', defaultProvider: 'a' },
      lateUsage: 'dead-lettered',
    },
    catalog,
  );
  expect(terms.billedMeters).toContainEqual({
    meterId: meterId.toUpperCase(),
    dimension: 'cores',
    planId: 'other',
  });
  // The catalog says where ids differ at Commerce.
  expect(terms.billedMeters).toContainEqual({
    meterId: '9CD92D4C-BAFD-4492-B278-BEDC2DE8232A',
    dimension: 'fb8c0713-ea20-40bf-901f-5560fd3f6330',
    planId: registration.planId,
  });
  expect(terms).toMatchObject({ infrastructure: ['a', 'b'], late: 'dead-lettered' });
});

test('a meter that is not billed is known, with the reason', () => {
  expect(registered.otherMeters).toContainEqual({
    meterId: '6DAB500F-A4FD-49C4-956D-229BB9C8C793',
    reason: 'local-only',
  });
});

test.each([
  [{ nobody: {} }, /it maps the meter nobody, which the catalog does not bill/],
  [
    {
      'fab6eb84-500b-4a09-a8ca-7358f8bbaea5': {
        dimension: 'FB8C0713-ea20-40bf-901f-5560fd3f6330',
        planId: 'x',
      },
    },
    /meters of the dimension fb8c0713-.* have several plans \(pay-as-you-use, x\)/,
  ],
])('a map of meters that cannot be is refused: %j', (meters, problem) => {
  const registration = readRegistration('samples/registration.json');
  expect(() => wantedTerms({ ...registration, meters }, catalog)).toThrow(problem);
});

test('the same terms again change nothing', async () => {
  const terms = table();
  await establishTerms(registered, terms);
  expect(await establishTerms(registered, terms)).toBeNull();
  expect(terms.rows).toHaveLength(1);
});

test('a change holds from the hour after the newest that can be open', async () => {
  const terms = table();
  await establishTerms(unregistered, terms);
  await establishTerms(registered, terms);
  expect(terms.rows.map(({ effectiveFrom, reporting }) => [effectiveFrom, reporting])).toEqual([
    [0, 'no-registration'],
    [hour(6), 'on'],
  ]);
});

test('of two bridges that write terms for one hour at once, the later one writes them for a later hour', async () => {
  const terms = table();
  let first = true;
  const slow = {
    ...terms,
    write: async (row: StoredTerms) => {
      if (first) await terms.write({ ...row, ...unregistered });
      first = false;
      await terms.write(row);
    },
  };
  await establishTerms(registered, slow);
  const rows = await terms.read();
  expect(rows.map(({ effectiveFrom, digest }) => [effectiveFrom, digest])).toEqual([
    [0, unregistered.digest],
    [hour(6), registered.digest],
  ]);
});

test('a change before an earlier one has begun holds after it', async () => {
  const terms = table();
  await establishTerms(unregistered, terms);
  await establishTerms(registered, terms);
  await establishTerms(unregistered, terms);
  expect((await terms.read()).at(-1)).toMatchObject({
    effectiveFrom: hour(7) satisfies Hour,
    reporting: 'no-registration',
  });
});

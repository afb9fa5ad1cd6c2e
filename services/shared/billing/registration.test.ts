import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UserError } from '../process/errors.ts';
import {
  readRegistration,
  registrationWarnings,
  reportingOf,
  type Registration,
} from './registration.ts';

const SAMPLE = fileURLToPath(new URL('../../../samples/registration.json', import.meta.url));
const sample: Registration = readRegistration(SAMPLE);

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'registration-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

const problemOf = (content: string): string => {
  const path = join(directory, 'registration.json');
  writeFileSync(path, content);
  try {
    readRegistration(path);
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
  throw new Error('it was taken');
};

const WITHOUT_REPORTING = { ...sample, usageReportingEnabled: undefined };

const readAs = (changes: object): Registration => {
  const path = join(directory, 'registration.json');
  writeFileSync(path, JSON.stringify({ ...WITHOUT_REPORTING, ...changes }));
  return readRegistration(path);
};

test.each<[object, boolean]>([
  [{ billingModel: 'PayAsYouUse' }, true],
  [{ billingModel: 'Capacity', agreementNumber: 'E-1' }, false],
  [{ billingModel: 'Development' }, true],
  [{ billingModel: 'Custom', msAssetTag: 'tag' }, false],
  [{ billingModel: 'Ruggedized' }, true],
])('%j: whether usage is reported if the file does not say', (changes, reports) => {
  expect(readAs(changes).usageReportingEnabled).toBe(reports);
});

test('ids of subscriptions are kept in lower case, as Azure wants them', () => {
  const upper = 'F00DCAFE-1111-4222-8333-444455556666';
  const read = readAs({
    subscriptionId: upper,
    infrastructureSubscriptions: { defaultProvider: upper },
  });
  expect(read).toMatchObject({
    subscriptionId: upper.toLowerCase(),
    resourceGroup: 'azurestack',
    infrastructureSubscriptions: { defaultProvider: upper.toLowerCase() },
    lateUsage: 'carried',
  });
});

test.each<[object | null, readonly RegExp[]]>([
  [{}, []],
  [null, [/^Activation Required: .* nothing is sent/]],
  [{ state: 'NotRegistered' }, [/^Activation Required/]],
  [{ state: 'Expired' }, [/^Activation Expired/]],
  [
    { billingModel: 'Capacity', agreementNumber: 'E-1', usageReportingEnabled: true },
    [/^Disabling Usage Reporting as it is not supported for Capacity billing model\.$/],
  ],
  [
    { billingModel: 'Custom', msAssetTag: 'tag' },
    [/^Usage reporting is off \(Custom\): usage is collected and not sent$/],
  ],
])('%j: what its owner is told', (changes, expected) => {
  const warnings = registrationWarnings(changes && readAs(changes));
  expect(warnings).toHaveLength(expected.length);
  warnings.forEach((warning, n) => expect(warning).toMatch(expected[n] ?? /^$/));
});

test('the sample is registered, with reporting on', () => {
  expect(reportingOf(sample)).toBe('on');
});

test.each<[Partial<Registration> | null, ReturnType<typeof reportingOf>]>([
  [null, 'no-registration'],
  [{ state: 'NotRegistered' }, 'not-registered'],
  [{ state: 'Expired' }, 'not-registered'],
  [{ billingModel: 'Capacity', usageReportingEnabled: true }, 'capacity'],
  [{ billingModel: 'Capacity', usageReportingEnabled: false }, 'capacity'],
  [{ billingModel: 'Custom', usageReportingEnabled: false }, 'disabled'],
  [{ billingModel: 'Development' }, 'on'],
])('%j: reporting is %s', (changes, reporting) => {
  expect(reportingOf(changes && { ...sample, ...changes })).toBe(reporting);
});

test('every problem of a malformed file is named at once, with what to do', () => {
  const message = problemOf(
    JSON.stringify({ ...sample, cloudId: 'x', billingModel: 'Free', planId: '', more: 1 }),
  );
  expect(message).toMatch(/registration file .*registration\.json cannot be used/);
  for (const problem of [
    'cloudId: must be a UUID',
    'billingModel: must be one of PayAsYouUse, Capacity, Development, Custom, Ruggedized',
    'planId: must not be empty',
    'more',
    'samples/registration.json',
  ]) {
    expect(message).toContain(problem);
  }
});

test.each([
  ['no JSON', '{', /it is not JSON/],
  ['an empty file', '', /it is not JSON/],
  ['no object', '[]', /must be a JSON object/],
  [
    'fields that are missing',
    '{"planId":"p"}',
    /cloudId: .*billingModel: must be one of .*state: must be one of/,
  ],
  [
    'pay-as-you-use without reporting',
    JSON.stringify({ ...sample, usageReportingEnabled: false }),
    /usageReportingEnabled: cannot be false under PayAsYouUse/,
  ],
  [
    'capacity without an agreement number',
    JSON.stringify({ ...sample, billingModel: 'Capacity' }),
    /agreementNumber: is null or empty when billingModel is set to Capacity/,
  ],
  [
    'custom without an asset tag',
    JSON.stringify({ ...sample, billingModel: 'Custom' }),
    /msAssetTag: MissingMsAssetTag: msAssetTag is a required parameter/,
  ],
  [
    'an infrastructure subscription that is none',
    JSON.stringify({ ...sample, infrastructureSubscriptions: { metering: 'x' } }),
    /infrastructureSubscriptions\.metering: must be the id of a subscription/,
  ],
])('%s', (_, content, expected) => {
  expect(problemOf(content)).toMatch(expected);
});

test('a file that is not there', () => {
  expect(() => readRegistration(join(directory, 'none.json'))).toThrow(/cannot be used: .*ENOENT/);
});

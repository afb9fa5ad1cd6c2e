import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UserError } from '../shared/process/errors.ts';
import { readRegistration, reportingOf, type Registration } from './registration.ts';

const SAMPLE = fileURLToPath(new URL('../../samples/registration.json', import.meta.url));
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
    /cloudId: .*usageReportingEnabled: must be true or false/,
  ],
  [
    'pay-as-you-use without reporting',
    JSON.stringify({ ...sample, usageReportingEnabled: false }),
    /usageReportingEnabled: cannot be false under PayAsYouUse/,
  ],
])('%s', (_, content, expected) => {
  expect(problemOf(content)).toMatch(expected);
});

test('a file that is not there', () => {
  expect(() => readRegistration(join(directory, 'none.json'))).toThrow(/cannot be used: .*ENOENT/);
});

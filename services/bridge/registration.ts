import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { messageOf, UserError } from '../shared/process/errors.ts';
import type { Reporting } from '../shared/billing/billing-terms.ts';

const choice = <const Names extends readonly string[]>(names: Names): z.ZodType<Names[number]> =>
  z.enum(names, { error: `must be one of ${names.join(', ')}` });

const text = z.string({ error: 'must be a text' }).min(1, 'must not be empty');

/** The rules of Azure Stack Hub's registration: docs/azure.md, "Registration". */
const registrationSchema = z
  .strictObject(
    {
      cloudId: z.uuid({ error: 'must be a UUID' }),
      registrationName: text,
      billingModel: choice(['PayAsYouUse', 'Capacity', 'Development', 'Custom', 'Ruggedized']),
      usageReportingEnabled: z.boolean({ error: 'must be true or false' }),
      /** The plan that submissions name. */
      planId: text,
      /** As shown in the portal. An expired registration reports nothing. */
      state: choice(['Registered', 'NotRegistered', 'Expired']),
    },
    { error: ({ code }) => (code === 'invalid_type' ? 'must be a JSON object' : undefined) },
  )
  .refine(
    ({ billingModel, usageReportingEnabled }) =>
      billingModel !== 'PayAsYouUse' || usageReportingEnabled,
    { path: ['usageReportingEnabled'], error: 'cannot be false under PayAsYouUse' },
  );

/** The stamp's registration with Azure. */
export type Registration = z.output<typeof registrationSchema>;

/**
 * Reads the registration file.
 * @throws UserError that names every problem in it
 */
export const readRegistration = (path: string): Registration => {
  const cannot = (problem: string, cause: unknown): UserError =>
    new UserError(
      `The registration file ${path} cannot be used: ${problem}. Correct it (samples/registration.json is one), ` +
        'or leave COMMERCE_REGISTRATION_FILE empty to send nothing',
      { cause },
    );
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw cannot(
      cause instanceof SyntaxError ? `it is not JSON (${cause.message})` : messageOf(cause),
      cause,
    );
  }
  const result = registrationSchema.safeParse(content);
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path: at, message }) =>
    at.length === 0 ? message : `${at.join('.')}: ${message}`,
  );
  throw cannot(problems.join('; '), result.error);
};

/**
 * Whether usage is sent. Under Capacity it never is. Usage that is not sent is collected all the same.
 */
export const reportingOf = (registration: Registration | null): Reporting => {
  if (registration === null) return 'no-registration';
  if (registration.state !== 'Registered') return 'not-registered';
  if (registration.billingModel === 'Capacity') return 'capacity';
  return registration.usageReportingEnabled ? 'on' : 'disabled';
};

import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { asciiLower } from '../model/placement.ts';
import { isSubscriptionId } from '../model/subscription-id.ts';
import { messageOf, UserError } from '../process/errors.ts';
import type { Reporting } from './billing-terms.ts';

const choice = <const Names extends readonly string[]>(names: Names): z.ZodType<Names[number]> =>
  z.enum(names, { error: `must be one of ${names.join(', ')}` });

const text = z.string({ error: 'must be a text' }).min(1, 'must not be empty');

/** Azure wants the ids of subscriptions in lower case, and so does this file's user find them again. */
const subscription = z
  .string({ error: 'must be a text' })
  .refine(isSubscriptionId, 'must be the id of a subscription')
  .transform(asciiLower);

/** What the fixed annual fee, the price zero or a price by use depends on. */
export const BILLING_MODELS = [
  'PayAsYouUse',
  'Capacity',
  'Development',
  'Custom',
  'Ruggedized',
] as const;
export type BillingModel = (typeof BILLING_MODELS)[number];

/** Whether usage is reported if the file does not say. */
const REPORTS_BY_DEFAULT: Readonly<Record<BillingModel, boolean>> = {
  PayAsYouUse: true,
  Capacity: false,
  Development: true,
  Custom: false,
  Ruggedized: true,
};

const meterSchema = z.strictObject({
  /** The name under which Commerce bills the meter. Several meters may have one. */
  dimension: text.optional(),
  planId: text.optional(),
});

const fileSchema = z
  .strictObject(
    {
      cloudId: z.uuid({ error: 'must be a UUID' }),
      registrationName: text,
      /** The subscription in Azure that the registration bills. */
      subscriptionId: subscription.optional(),
      resourceGroup: text.default('azurestack'),
      billingModel: choice(BILLING_MODELS),
      usageReportingEnabled: z.boolean({ error: 'must be true or false' }).optional(),
      agreementNumber: text.optional(),
      msAssetTag: text.optional(),
      /** The plan that submissions name, if their meter has no other. */
      planId: text,
      /** As shown in the portal. An expired registration reports nothing. */
      state: choice(['Registered', 'NotRegistered', 'Expired']),
      /** By local meter id. */
      meters: z.record(text, meterSchema).default({}),
      /** The three subscriptions of the stamp's operator. Their usage is collected and not sent. */
      infrastructureSubscriptions: z
        .strictObject({
          defaultProvider: subscription.optional(),
          metering: subscription.optional(),
          consumption: subscription.optional(),
        })
        .default({}),
      /** What becomes of usage that is older than Commerce accepts. */
      lateUsage: choice(['carried', 'dead-lettered']).default('carried'),
    },
    { error: ({ code }) => (code === 'invalid_type' ? 'must be a JSON object' : undefined) },
  )
  .superRefine((file, context) => {
    const refuse = (path: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [path], message });
    if (file.billingModel === 'PayAsYouUse' && file.usageReportingEnabled === false) {
      refuse('usageReportingEnabled', 'cannot be false under PayAsYouUse');
    }
    if (file.billingModel === 'Capacity' && file.agreementNumber === undefined) {
      refuse('agreementNumber', 'is null or empty when billingModel is set to Capacity');
    }
    if (file.billingModel === 'Custom' && file.msAssetTag === undefined) {
      refuse(
        'msAssetTag',
        "MissingMsAssetTag: msAssetTag is a required parameter when billingModel is 'Custom'",
      );
    }
  });

/** The rules of Azure Stack Hub's registration: docs/azure.md, "Registration". */
const registrationSchema = fileSchema.transform((file) => ({
  ...file,
  usageReportingEnabled: file.usageReportingEnabled ?? REPORTS_BY_DEFAULT[file.billingModel],
}));

/** The stamp's registration with Azure. */
export type Registration = z.output<typeof registrationSchema>;

const cannotUse = (path: string, problem: string, cause: unknown): UserError =>
  new UserError(
    `The registration file ${path} cannot be used: ${problem}. Correct it (samples/registration.json is one), ` +
      'or leave COMMERCE_REGISTRATION_FILE empty to send nothing',
    { cause },
  );

/**
 * The text of the registration file.
 * @throws UserError if it cannot be read
 */
export const registrationText = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw cannotUse(path, messageOf(cause), cause);
  }
};

/**
 * Reads the registration file.
 * @param text what stands in it, where that has been read already
 * @throws UserError that names every problem in it
 */
export const readRegistration = (path: string, text = registrationText(path)): Registration => {
  const cannot = (problem: string, cause: unknown): UserError => cannotUse(path, problem, cause);
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (cause) {
    throw cannot(`it is not JSON (${messageOf(cause)})`, cause);
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

/** What the owner of a registration should know, in the words of Azure where it has some. */
export const registrationWarnings = (registration: Registration | null): readonly string[] => {
  if (registration === null) {
    return [
      'Activation Required: this stamp has no registration (COMMERCE_REGISTRATION_FILE), so nothing is sent to Commerce. Usage is collected',
    ];
  }
  const { billingModel, state, usageReportingEnabled } = registration;
  const warnings: string[] = [];
  if (state === 'NotRegistered') {
    warnings.push('Activation Required: the registration is not registered, so nothing is sent');
  }
  if (state === 'Expired') {
    warnings.push('Activation Expired: the registration has expired, so nothing is sent');
  }
  if (billingModel === 'Capacity' && usageReportingEnabled) {
    warnings.push('Disabling Usage Reporting as it is not supported for Capacity billing model.');
  } else if (!usageReportingEnabled) {
    warnings.push(`Usage reporting is off (${billingModel}): usage is collected and not sent`);
  }
  return warnings;
};

import { z } from 'zod';
import { isSubscriptionId } from '../../shared/model/subscription-id.ts';
import { PLATFORM_KIND_NAMES } from './platform-families.ts';
import type { ProviderName, ResourceKind } from './resource.ts';

/** What a person may ask a simulated provider to do: the bodies of its HTTP door. */

/** The kinds of resources that a person can create. A worker comes and goes with its plan. */
export type CreatedKind = Exclude<ResourceKind, 'app-service-worker'>;

const PLATFORM = PLATFORM_KIND_NAMES.filter((name) => name !== 'app-service-worker');

export const CREATED_KINDS: readonly CreatedKind[] = [
  'vm',
  'disk',
  'storage-account',
  'public-ip',
  ...PLATFORM,
];

/** The provider of a kind. */
export const createdBy = (kind: CreatedKind): ProviderName => {
  switch (kind) {
    case 'vm':
    case 'disk':
      return 'compute';
    case 'storage-account':
      return 'storage';
    case 'public-ip':
      return 'network';
    default:
      return 'platform';
  }
};

const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9_-])?$/;

/** The name of a resource or of its group. */
export const isResourceName = (text: string): boolean => NAME.test(text);

export const RESOURCE_NAME_RULE =
  'must have 1 to 64 letters, digits, ".", "_" or "-", and begin with a letter or digit';

const name = z.string().refine(isResourceName, { message: RESOURCE_NAME_RULE });

export const createRequestSchema = z.strictObject({
  kind: z.enum(CREATED_KINDS as [CreatedKind, ...CreatedKind[]]),
  subscriptionId: z.string().refine(isSubscriptionId, { message: 'must be a GUID' }),
  resourceGroup: name,
  /** The provider chooses one if it is missing. */
  name: name.optional(),
  /** The usual one of the kind if it is missing. */
  size: z.string().max(64).optional(),
  /** Machines only. */
  os: z.enum(['windows', 'linux']).optional(),
});

export type CreateRequest = z.output<typeof createRequestSchema>;

export const CHANGES = ['resize', 'stop', 'start', 'deallocate', 'delete'] as const;

export type ChangeName = (typeof CHANGES)[number];

export const changeRequestSchema = z.strictObject({
  /** A resource's URI, or its name where only one resource has it. */
  resource: z.string().min(1).max(1024),
  change: z.enum(CHANGES),
  /** Of `resize` alone. */
  size: z.string().max(64).optional(),
});

export type ChangeRequest = z.output<typeof changeRequestSchema>;

/** A resource as the door shows it. */
export const shownResourceSchema = z.object({
  resourceUri: z.string(),
  subscriptionId: z.string(),
  provider: z.string(),
  kind: z.string(),
  location: z.string(),
  /** `deleted` of one that does not exist any more, `planned` of one that does not exist yet. */
  state: z.string(),
  size: z.string().nullable(),
  os: z.string().nullable(),
});

export type ShownResource = z.output<typeof shownResourceSchema>;

export const resourceListSchema = z.object({ value: z.array(shownResourceSchema) });

/** The answer to a change: the resources that it touched, and the instant from which it counts. */
export const changeAnswerSchema = z.object({
  value: z.array(shownResourceSchema).min(1),
  /** Milliseconds since 1970. */
  from: z.number(),
  /** When its usage is reported for the first time, in milliseconds since 1970. */
  reportedAt: z.number(),
  /** When the hour ends in which it is reported first, in milliseconds since 1970: it is billed after that. */
  hourEnds: z.number(),
});

export type ChangeAnswer = z.output<typeof changeAnswerSchema>;

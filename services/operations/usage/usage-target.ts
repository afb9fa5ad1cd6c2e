import { existsSync } from 'node:fs';
import {
  parseEnvironment,
  providerSettings,
  usageClientSettings,
  type Environment,
} from '../../shared/process/config.ts';
import { leadsToLoopback } from '../../shared/http/host-name.ts';
import { UserError } from '../../shared/process/errors.ts';
import { localDirectory } from '../../shared/process/local-directory.ts';
import {
  LOCAL_AUDIENCE,
  localToken,
  publicKeyFile,
  signInDirectory,
} from '../../shared/sign-in/local-sign-in.ts';
import { actorName } from '../../shared/sources/actor.ts';
import type { UsageEndpoint } from '../../shared/usage-client/usage-client.ts';
import {
  profilePath,
  readCaFile,
  readProfiles,
  tokenOf,
  type Profile,
} from '../profiles/profile-file.ts';

/** Whose usage is read, and where. */
export interface UsageTarget {
  readonly endpoint: UsageEndpoint;
  readonly api: 'provider' | 'tenant';
  /** The calling subscription. */
  readonly subscriptionId: string;
  /** What the target comes from, for messages: a profile, or the environment. */
  readonly profile: string | null;
}

/** What a person says on the command line. */
export interface TargetChoice {
  readonly profile?: string | undefined;
  readonly role?: Profile['role'] | undefined;
  readonly subscription?: string | undefined;
}

const APIS = { operator: 'provider', tenant: 'tenant' } as const;

/**
 * A profile by name, with what the choice says instead. Without a name: USAGE_API_URL with its token and CA
 * file, as the operator of PROVIDER_SUBSCRIPTION_ID. Beside a running `npm start` the environment has them.
 * @throws UserError that says what to do
 */
export const usageTarget = async (
  choice: TargetChoice,
  environment: Environment = process.env,
): Promise<UsageTarget> => {
  const name = choice.profile ?? (environment['USAGECTL_PROFILE']?.trim() || undefined);
  const profile = name === undefined ? fromEnvironment(choice, environment) : await named(name);
  const { endpoint, role, caFile } = profile;
  const subscriptionId = choice.subscription ?? profile.subscription;
  const local = name === undefined ? await ownToken(endpoint, subscriptionId, environment) : null;
  return {
    endpoint: {
      url: endpoint,
      token: (await tokenOf(profile)) ?? local,
      ca: caFile === undefined ? null : await readCaFile(caFile),
    },
    api: APIS[choice.role ?? role],
    subscriptionId,
    profile: name ?? null,
  };
};

/** Whether the API is on this machine, and so may be that of its settings. */
export const isOnThisMachine = (url: string): boolean =>
  URL.canParse(url) && leadsToLoopback(new URL(url));

const LIFETIME_SECONDS = 3600;

/**
 * A token like that of "usagectl token", for the stack on this machine: whoever can read its key needs no
 * other. Null if the API is on another machine, or there is no key.
 */
const ownToken = async (
  url: string,
  subscriptionId: string,
  environment: Environment,
): Promise<string | null> => {
  const directory = signInDirectory(localDirectory());
  if (!isOnThisMachine(url) || !existsSync(publicKeyFile(directory))) return null;
  return localToken(directory, {
    subscriptions: [subscriptionId],
    role: 'Reader',
    lifetimeSeconds: LIFETIME_SECONDS,
    audience: environment['USAGE_API_AUDIENCE']?.trim() || LOCAL_AUDIENCE,
    subject: actorName(),
    now: Date.now(),
  });
};

const named = async (name: string): Promise<Profile> => {
  const profiles = await readProfiles();
  const profile = profiles.get(name);
  if (profile !== undefined) return profile;
  const known = [...profiles.keys()];
  throw new UserError(
    `There is no profile "${name}" in ${profilePath()}: ` +
      (known.length === 0
        ? 'there is none at all, see "usagectl profile add"'
        : `there are ${known.join(', ')}`),
  );
};

const fromEnvironment = (choice: TargetChoice, environment: Environment): Profile => {
  const config = parseEnvironment({ ...usageClientSettings, ...providerSettings }, environment);
  if (choice.role === 'tenant' && choice.subscription === undefined) {
    throw new UserError(
      'A tenant reads its own usage: name its subscription with --subscription, or make a profile with "usagectl profile add"',
    );
  }
  return {
    endpoint: config.USAGE_API_URL,
    role: 'operator',
    subscription: config.PROVIDER_SUBSCRIPTION_ID,
    token: config.USAGE_API_TOKEN,
    caFile: config.USAGE_API_CA_FILE,
  };
};

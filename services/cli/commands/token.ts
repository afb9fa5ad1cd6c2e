import { InvalidArgumentError, Option, type Command } from 'commander';
import { asciiLower } from '../../shared/model/placement.ts';
import { isSubscriptionId } from '../../shared/model/subscription-id.ts';
import { UserError } from '../../shared/process/errors.ts';
import { localDirectory } from '../../shared/process/local-directory.ts';
import { LOCAL_ISSUER, localToken, signInDirectory } from '../../shared/sign-in/local-sign-in.ts';
import { ROLES, type Role } from '../../shared/sign-in/roles.ts';
import { actorName } from '../../shared/sources/actor.ts';
import { print } from '../print.ts';
import { readTokenConfig } from '../settings.ts';

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };
const MAX_SECONDS = 30 * 86_400;

const lifetime = (text: string): number => {
  const [, number, unit] = /^(\d{1,7})([smhd])$/.exec(text) ?? [];
  const seconds = Number(number) * (SECONDS[unit ?? ''] ?? NaN);
  if (seconds >= 1 && seconds <= MAX_SECONDS) return seconds;
  throw new InvalidArgumentError('it must be a time such as 90s, 30m, 8h or 7d, of at most 30d');
};

const several = (text: string, before: readonly string[] = []): readonly string[] => {
  if (isSubscriptionId(text)) return [...before, asciiLower(text)];
  throw new InvalidArgumentError('it must be an id in the form of a GUID');
};

interface Options {
  readonly role: Role;
  readonly subscription?: readonly string[];
  readonly lifetime: number;
}

const token = async ({ role, subscription, lifetime: seconds }: Options): Promise<void> => {
  const config = readTokenConfig();
  if (config.USAGE_API_ISSUER !== LOCAL_ISSUER) {
    throw new UserError(
      `The usage API accepts tokens of ${config.USAGE_API_ISSUER} only (USAGE_API_ISSUER): get one there`,
    );
  }
  print(
    await localToken(signInDirectory(localDirectory()), {
      subscriptions: subscription ?? [config.PROVIDER_SUBSCRIPTION_ID],
      role,
      lifetimeSeconds: seconds,
      audience: config.USAGE_API_AUDIENCE,
      subject: actorName(),
      now: Date.now(),
    }),
  );
};

export const tokenCommand = (command: Command): Command =>
  command
    .addOption(
      new Option('--role <role>', 'the role on the subscription').choices(ROLES).default('Reader'),
    )
    .option(
      '--subscription <id>',
      'the subscription, of a provider or a tenant; may be repeated (PROVIDER_SUBSCRIPTION_ID)',
      several,
    )
    .option('--lifetime <time>', 'how long it is valid: 90s, 30m, 8h, 7d', lifetime, 3600)
    .action(token);

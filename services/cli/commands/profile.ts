import { Command, Option } from 'commander';
import { resolve } from 'node:path';
import {
  checkedName,
  checkedProfile,
  checkedToken,
  profilePath,
  readProfiles,
  tokenOf,
  writeProfiles,
  type Profile,
} from '../../operations/profiles/profile-file.ts';
import { tokenExpiry } from '../../operations/profiles/token-expiry.ts';
import { messageOf, UserError } from '../../shared/process/errors.ts';
import { isoText } from '../../shared/model/time.ts';
import { formatFields, formatTable } from '../../shared/terminal/table.ts';
import { print, printJson } from '../print.ts';

/** Where a token comes from. Never the token. */
const tokenSource = ({ token, tokenFile }: Profile): string | null =>
  tokenFile ?? (token === undefined ? null : 'stored');

const withoutToken = (name: string, { token: _, ...profile }: Profile) => ({
  name,
  ...profile,
  hasToken: _ !== undefined || profile.tokenFile !== undefined,
});

const list = async ({ json }: { readonly json?: boolean }): Promise<void> => {
  const profiles = [...(await readProfiles())];
  if (json) {
    printJson(profiles.map(([name, profile]) => withoutToken(name, profile)));
    return;
  }
  if (profiles.length === 0) {
    print('There is no profile: see "usagectl profile add --help".');
    return;
  }
  print(
    formatTable(
      ['PROFILE', 'ROLE', 'TOKEN', 'SUBSCRIPTION', 'ENDPOINT'],
      profiles.map(([name, profile]) => [
        name,
        profile.role,
        tokenSource(profile) === null
          ? 'none'
          : profile.tokenFile === undefined
            ? 'stored'
            : 'file',
        profile.subscription,
        profile.endpoint,
      ]),
      { whole: ['PROFILE'] },
    ),
  );
};

interface AddOptions {
  readonly endpoint: string;
  readonly role: Profile['role'];
  readonly subscription: string;
  readonly tokenFile?: string;
  readonly tokenStdin?: boolean;
  readonly caFile?: string;
  readonly replace?: boolean;
}

/** A token as an argument would stand in the shell's history and in the list of processes. */
const readStandardInput = async (): Promise<string> => {
  let text = '';
  for await (const chunk of process.stdin.setEncoding('utf8')) text += chunk as string;
  return checkedToken(text, 'Standard input');
};

const add = async (name: string, options: AddOptions): Promise<void> => {
  const { endpoint, role, subscription, tokenFile, tokenStdin, caFile, replace } = options;
  const profiles = await readProfiles();
  if (profiles.has(checkedName(name)) && replace !== true) {
    throw new UserError(`There is a profile "${name}" already: --replace changes it`);
  }
  const profile = checkedProfile({
    endpoint,
    role,
    subscription,
    ...(tokenFile !== undefined && { tokenFile: resolve(tokenFile) }),
    ...(tokenStdin === true && { token: await readStandardInput() }),
    ...(caFile !== undefined && { caFile: resolve(caFile) }),
  });
  await writeProfiles(new Map([...profiles, [name, profile]]));
  print(`Profile "${name}" is in ${profilePath()}: use it with --profile ${name}.`);
};

const remove = async (name: string): Promise<void> => {
  const profiles = new Map(await readProfiles());
  if (!profiles.delete(name)) throw unknown(name);
  await writeProfiles(profiles);
  print(`Profile "${name}" is removed.`);
};

const unknown = (name: string): UserError =>
  new UserError(`There is no profile "${name}": see "usagectl profile list"`);

/** How long the token is good for, as far as it says so itself. */
const tokenText = async (profile: Profile): Promise<string | null> => {
  const source = tokenSource(profile);
  if (source === null) return null;
  try {
    const expiry = tokenExpiry((await tokenOf(profile)) ?? '');
    if (expiry === null) return source;
    return `${source}, ${expiry > Date.now() ? 'expires' : 'EXPIRED'} ${isoText(expiry)}`;
  } catch (error) {
    return `${source}: ${messageOf(error)}`;
  }
};

const show = async (name: string, { json }: { readonly json?: boolean }): Promise<void> => {
  const profile = (await readProfiles()).get(name);
  if (profile === undefined) throw unknown(name);
  if (json) {
    printJson(withoutToken(name, profile));
    return;
  }
  print(
    [
      name,
      ...formatFields([
        ['endpoint', profile.endpoint],
        ['role', profile.role],
        ['subscription', profile.subscription],
        ['token', await tokenText(profile)],
        ['CA file', profile.caFile ?? null],
      ]),
    ].join('\n'),
  );
};

const addCommand = (): Command =>
  new Command('add')
    .description('make a profile, in a file that only you can read')
    .argument('<name>', 'how you call it')
    .requiredOption('--endpoint <url>', 'where the usage API is')
    .addOption(
      new Option('--role <role>', 'operator: all direct tenants; tenant: one subscription')
        .choices(['operator', 'tenant'])
        .makeOptionMandatory(),
    )
    .requiredOption('--subscription <id>', "the provider's or the tenant's subscription")
    .addOption(
      new Option(
        '--token-file <file>',
        'a file with the bearer token, read at each call',
      ).conflicts('tokenStdin'),
    )
    .option('--token-stdin', 'read the token from standard input, and store it in the profile')
    .option('--ca-file <file>', "certificates (PEM) that are trusted instead of the system's")
    .option('--replace', 'change the profile if there is one of this name')
    .action(add);

export const profileCommand = (command: Command): Command =>
  command
    .addCommand(
      new Command('list').description('show all profiles').option('--json', 'as JSON').action(list),
    )
    .addCommand(
      new Command('show')
        .description('show one profile; its token is never shown')
        .argument('<name>')
        .option('--json', 'as JSON')
        .action(show),
    )
    .addCommand(addCommand())
    .addCommand(
      new Command('remove')
        .description('remove a profile and the token in it')
        .argument('<name>')
        .action(remove),
    );

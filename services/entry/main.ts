import { PROGRAMS } from './programs.ts';

/**
 * One entry for all programs: the first argument names the one to run, and the others are its own. A
 * container has no other.
 */
const HELP = `Runs one program of the usage pipeline.

Usage: npm run service -- NAME [arguments]
       docker run IMAGE NAME [arguments]

  aggregator, bridge, usage-api   the services
  usagectl                        the command line: see "usagectl --help"
  prepare                         brings tables and topics up to date, and ends
  health [NAME]                   whether a service here is ready: exit code 0 or 1
  commerce, providers             stand-ins for Azure Commerce and for resource providers
  make-keys, first-run            the parts of "npm start" for containers: see docs/containers.md

Settings are environment variables: see docs/operations.md.`;

const [name = '--help'] = process.argv.slice(2);
const program = Object.hasOwn(PROGRAMS, name) ? PROGRAMS[name] : undefined;
if (name === '--help') {
  process.stdout.write(`${HELP}\n`);
} else if (program) {
  process.argv.splice(2, 1);
  await program();
} else {
  process.stderr.write(
    `There is no program "${name.replace(/[^\w.-]/g, '?')}": name one of ${Object.keys(PROGRAMS).join(', ')}.\n`,
  );
  process.exitCode = 1;
}

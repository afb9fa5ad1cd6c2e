import { explain, isDefect } from '../shared/process/explain.ts';
import { actorName } from '../shared/sources/actor.ts';
import { onLostOutput } from '../shared/terminal/lost-output.ts';
import { EXIT } from './exit-code.ts';
import { usagectl, withCmdlet } from './program.ts';
import { loadStackEnvironment } from './stack-environment.ts';

loadStackEnvironment();
onLostOutput((exitCode) => process.exit(exitCode));

const program = usagectl().hook('preAction', (root) => {
  const { actor } = root.opts<{ actor?: string }>();
  if (actor !== undefined) process.env['USAGE_ACTOR'] = actor;
  actorName(); // refuses a name that cannot be recorded, before anything is done
});

try {
  await program.parseAsync(withCmdlet(process.argv.slice(2)), { from: 'user' });
} catch (error) {
  process.stderr.write(`usagectl: ${explain(error)}\n`);
  process.exitCode = isDefect(error) ? EXIT.defect : EXIT.failed;
}

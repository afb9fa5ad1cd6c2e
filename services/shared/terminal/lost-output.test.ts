import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { nodeArguments } from '../process/repository.ts';

const [flag = '', path = ''] = nodeArguments('services/shared/terminal/lost-output.ts');

/** Prints without end, as far as it is let. */
const program = (stream: 'stdout' | 'stderr'): string => `
import { onLostOutput } from ${JSON.stringify(path)};
onLostOutput((exitCode) => process.exit(exitCode));
setInterval(() => process.${stream}.write('line\\n'), 1);`;

const run = (stream: 'stdout' | 'stderr', stdout: 'pipe' | number = 'pipe') =>
  spawn(process.execPath, [flag, '--input-type=module', '-e', program(stream)], {
    stdio: ['ignore', stdout, 'pipe'],
  });

const errorsOf = ({ stderr }: ChildProcess): Promise<string> => {
  if (stderr === null) throw new Error('the process has no standard error');
  return text(stderr);
};

test('a program whose reader has ended ends quietly', async () => {
  const child = run('stdout');
  const closed = once(child, 'close');
  const said = errorsOf(child);
  await once(child.stdout ?? child, 'data');
  child.stdout?.destroy(); // as `head` does when it has seen enough
  expect(await closed).toEqual([141, null]);
  expect(await said).toBe('');
});

test('a program ends where nobody reads its standard error', async () => {
  const child = run('stderr');
  const closed = once(child, 'close');
  await once(child.stderr ?? child, 'data');
  child.stderr?.destroy();
  expect(await closed).toEqual([141, null]);
});

const onLinux = process.platform === 'linux' ? test : test.skip;

onLinux('output that does not fit on the disk is a failure, which says why', async () => {
  const child = run('stdout', openSync('/dev/full', 'w'));
  const closed = once(child, 'close');
  const said = errorsOf(child);
  expect(await closed).toEqual([1, null]);
  expect(await said).toContain('The output cannot be written: ENOSPC');
});

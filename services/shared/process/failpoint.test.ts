import { spawnSync } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { inRepository } from './repository.ts';

const FAILPOINT = pathToFileURL(inRepository('dist/services/shared/process/failpoint.js')).href;

/** Passes two places by turns, three times each, in a process of its own; tells how that ended. */
const passTwoPlaces = (setting: string) => {
  const program = `
    const { failpoint } = await import(${JSON.stringify(FAILPOINT)});
    for (const pass of [1, 2, 3]) {
      for (const name of ['here', 'there']) {
        failpoint(name);
        process.stdout.write(name + pass + ' ');
      }
    }`;
  const { stdout, signal } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    env: { ...process.env, NODE_OPTIONS: '', USAGE_FAILPOINT: setting },
    encoding: 'utf8',
  });
  return { stdout: stdout.trim(), signal };
};

test('a process ends at the given pass of the place that is named, and at no other', () => {
  expect(passTwoPlaces('there:2')).toEqual({
    stdout: 'here1 there1 here2',
    signal: 'SIGKILL',
  });
});

test.each(['', 'nowhere:1'])('nothing happens for "%s"', (setting) => {
  expect(passTwoPlaces(setting)).toEqual({
    stdout: 'here1 there1 here2 there2 here3 there3',
    signal: null,
  });
});

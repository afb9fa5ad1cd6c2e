#!/usr/bin/env node
// The entry of `npm start`: needs nothing but Node, and installs what is missing.
import { spawn } from 'node:child_process';
import { installPackages } from './install-packages.mjs';

installPackages();
const { compileOrEnd, compiledPath } = await import('../../shared/build/compile.mjs');
compileOrEnd('npm start');
const main = compiledPath('services/development/local/start.ts');
const child = spawn(process.execPath, ['--enable-source-maps', main, ...process.argv.slice(2)], {
  stdio: 'inherit',
});
// Ctrl-C reaches both in a terminal: the child stops the stack in order, and this waits for it.
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    if (signal === 'SIGTERM') child.kill(signal);
  });
}
child.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)));

#!/usr/bin/env node
// The entry of `npm start`: needs nothing but Node, and installs what is missing. It is also the process
// that owns the stack: nothing stands between a signal and who obeys it.
import { pathToFileURL } from 'node:url';
import { installPackages } from './install-packages.mjs';

installPackages({ forTests: false });
const { compileOrEnd, compiledPath } = await import('../../shared/build/compile.mjs');
await compileOrEnd('npm start');
process.setSourceMapsEnabled(true);
await import(pathToFileURL(compiledPath('services/development/local/start.ts')).href);

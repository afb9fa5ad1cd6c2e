#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const isInstalled = (name) =>
  existsSync(fileURLToPath(new URL(`../../../node_modules/${name}`, import.meta.url)));
if (!isInstalled('@swc/core') || !isInstalled('rolldown')) {
  process.stderr.write(
    'usagectl: the packages are not installed: run "npm install" in the repository\n',
  );
  process.exit(1);
}
const { compileOrEnd } = await import('../../shared/build/compile.mjs');
await compileOrEnd('usagectl');
process.setSourceMapsEnabled(true);
await import('../../../dist/bundle/current/services/cli/main.js');

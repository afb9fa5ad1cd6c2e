#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const installed = fileURLToPath(new URL('../../../node_modules/@swc/core', import.meta.url));
if (!existsSync(installed)) {
  process.stderr.write(
    'usagectl: the packages are not installed: run "npm install" in the repository\n',
  );
  process.exit(1);
}
const { compileOrEnd } = await import('../../shared/build/compile.mjs');
compileOrEnd('usagectl');
process.setSourceMapsEnabled(true);
await import('../../../dist/services/cli/main.js');

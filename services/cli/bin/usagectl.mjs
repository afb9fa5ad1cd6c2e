#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const installed = fileURLToPath(new URL('../../../node_modules/tsx', import.meta.url));
if (!existsSync(installed)) {
  process.stderr.write(
    'usagectl: the packages are not installed: run "npm install" in the repository\n',
  );
  process.exit(1);
}
const { register } = await import('tsx/esm/api');
register();
await import('../main.ts');

#!/usr/bin/env node
// The entry of `npm test`: needs nothing but Node, and installs what is missing.
import { spawnSync } from 'node:child_process';
import { installPackages } from './install-packages.mjs';

installPackages();
const jest = [
  '--experimental-vm-modules',
  '--disable-warning=ExperimentalWarning',
  'node_modules/jest/bin/jest.js',
];
const { status } = spawnSync(process.execPath, [...jest, ...process.argv.slice(2)], {
  stdio: 'inherit',
});
process.exit(status ?? 1);

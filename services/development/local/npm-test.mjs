#!/usr/bin/env node
// The entry of `npm test`: needs nothing but Node, and installs what is missing. Then it is Jest: what
// ends this process ends Jest, and with it the servers that Jest has started.
import { installPackages } from './install-packages.mjs';

installPackages({ forTests: true });
await import('jest/bin/jest');

import { join } from 'node:path';
import { pythonEnvironment } from '../support/python-environment.ts';

const PACKAGE = 'schemathesis==4.32.5';

/** Installs schemathesis from PyPI into a cache, once. Returns the path of its program. */
export const schemathesis = async (): Promise<string> =>
  join(await pythonEnvironment(PACKAGE.replace('==', '-'), [PACKAGE]), 'schemathesis');

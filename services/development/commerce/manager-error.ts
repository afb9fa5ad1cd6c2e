import type { Body } from './answers.ts';

/** The envelope of errors of Azure Resource Manager. */
export const managerError = (code: string, message: string): Body => ({ error: { code, message } });

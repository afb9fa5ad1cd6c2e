import type { Report } from './contender.ts';

/** For the contenders' own processes. */
export const tell = (report: Report): void => {
  process.stdout.write(`${JSON.stringify(report)}\n`);
};

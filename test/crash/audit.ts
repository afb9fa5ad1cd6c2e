import type { Pipeline } from '../support/pipeline.ts';
import { usagectl } from '../support/service-process.ts';

/** What `usagectl audit`, the product's own recount, finds different; it must have run to its end. */
export const audit = async (pipeline: Pipeline): Promise<readonly string[]> => {
  const args = ['audit', '--json', '--no-billing'];
  const { code, stdout, stderr } = await usagectl(args, pipeline.environment);
  if (code === 0) return [];
  return [
    `usagectl audit ended with exit code ${String(code)}: ${stderr}${stdout}`.slice(0, 2_000),
  ];
};

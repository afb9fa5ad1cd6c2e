import type { ServiceProcess } from './service-process.ts';
import { waitFor } from './wait-for.ts';

/** Waits until a partition of a service has halted for a reason; returns the line that says so. */
export const halted = (service: ServiceProcess, code: string): Promise<string> =>
  waitFor(`a partition halts: ${code}`, () =>
    Promise.resolve(
      service
        .output()
        .split('\n')
        .find((line) => line.includes('has halted') && line.includes(`"code":"${code}"`)),
    ),
  );

import { setTimeout as sleep } from 'node:timers/promises';
import { isoText, millis } from '../../shared/model/time.ts';
import { clearTerminal, print } from '../print.ts';
import { getUsage, type GetUsage } from './get-usage.ts';

/**
 * Prints usage again and again until the command is ended. On a terminal each table takes the place of the
 * one before; elsewhere they follow one another.
 */
export const watchUsage = async (asked: GetUsage, pauseMillis: number): Promise<never> => {
  for (;;) {
    await getUsage(asked, () => {
      const now = isoText(millis(Math.floor(Date.now() / 1000) * 1000));
      clearTerminal();
      print(`${now}, again every ${String(pauseMillis / 1000)} s\n`);
    });
    await sleep(pauseMillis);
  }
};

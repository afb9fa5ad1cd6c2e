import { writeSync } from 'node:fs';
import { pino } from 'pino';
import { openSpool } from '../../../services/provider-sdk/spool/spool.ts';
import { record } from './spools.ts';

/**
 * Appends records to the spool in a directory until it is killed, several calls at a time, and prints the number
 * of each record for which `append` has resolved. Now and then it takes some as sent, and says so before.
 */
const [directory = '', first = '0', maxBytes = '0'] = process.argv.slice(2);

const say = (what: string, n: number): void => {
  writeSync(1, `${what} ${String(n)}\n`); // at once: what is buffered in a process dies with it
};

const spool = await openSpool({
  directory,
  maxBytes: Number(maxBytes),
  logger: pino({ level: 'silent' }),
});
say('open', spool.status().damaged.length);
let next = Number(first);
const lane = async (): Promise<void> => {
  for (;;) {
    const n = next++;
    await spool.append([record(n, (n * 37) % 300)]);
    say('stored', n);
  }
};
const send = async (): Promise<void> => {
  for (;;) {
    const given = await spool.next(2_000);
    if (given.length === 0) await new Promise(setImmediate);
    for (const { key } of given) say('sent', Number(key.slice('key-'.length)));
    if (given.length > 0) await spool.done(given.length);
  }
};
await Promise.all([lane(), lane(), lane(), send()]);

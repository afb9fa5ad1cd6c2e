import { readFileSync } from 'node:fs';
import { request as callHttp } from 'node:http';
import { request as callHttps } from 'node:https';
import { messageOf } from '../shared/process/errors.ts';
import { printable } from '../shared/terminal/printable.ts';
import { HEALTH_PAGES, healthAddress } from './health-pages.ts';

/**
 * `health [NAME]`: whether the service of this container, or the one named, is ready; exit code 1 if it is
 * not. It asks the service itself, on this machine.
 */
const PATIENCE_MILLIS = 5_000;

/** The service that the container's first process was started as. */
const ownService = (): string | undefined =>
  readFileSync('/proc/1/cmdline', 'utf8')
    .split('\0')
    .find((word) => Object.hasOwn(HEALTH_PAGES, word));

/**
 * Nothing secret is sent and the answer comes from this machine, so it does not matter whose certificate it
 * is: it need not be for 127.0.0.1.
 */
const ask = (url: URL): Promise<{ readonly status: number; readonly body: string }> =>
  new Promise((resolve, reject) => {
    const options = { timeout: PATIENCE_MILLIS, rejectUnauthorized: false };
    const call = (url.protocol === 'https:' ? callHttps : callHttp)(url, options, (answer) => {
      let body = '';
      answer.on('data', (chunk: Buffer) => {
        body += chunk.toString('utf8');
      });
      answer.once('end', () => resolve({ status: answer.statusCode ?? 0, body }));
      answer.once('error', reject);
    });
    call.once('timeout', () => call.destroy(new Error('no answer')));
    call.once('error', reject);
    call.end();
  });

try {
  const { status, body } = await ask(
    healthAddress(process.argv[2] ?? ownService() ?? '', process.env),
  );
  process.stdout.write(`${printable(body)}\n`);
  process.exitCode = status === 200 ? 0 : 1;
} catch (error) {
  process.stderr.write(`health: ${printable(messageOf(error))}\n`);
  process.exitCode = 1;
}

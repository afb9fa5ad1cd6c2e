#!/usr/bin/env node
// The entry of `npm run clean`: removes the local stack's data, logs and keys; keeps the cache.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const [argument] = process.argv.slice(2);
if (argument !== undefined) {
  const isHelp = argument === '--help' || argument === '-h';
  const stream = isHelp ? process.stdout : process.stderr;
  if (!isHelp)
    stream.write(`clean takes no argument, and "${argument}" was given. Nothing was removed.\n`);
  stream.write(
    'Usage: npm run clean    removes the data, logs and keys of the local stack (.local)\n',
  );
  process.exit(isHelp ? 0 : 1);
}

const local = fileURLToPath(new URL('../../.local/', import.meta.url));
for (const part of ['kafka', 'clickhouse']) {
  const pid = Number.parseInt(readPid(`${local}data/${part}/pid`), 10);
  if (pid > 0 && isAlive(pid)) {
    process.stderr.write(
      `The stack is running (${part}, process ${String(pid)}): stop "npm start" first.\n`,
    );
    process.exit(1);
  }
}
for (const name of ['data', 'logs', 'stack.env', 'netrc', 'control-keys']) {
  rmSync(`${local}${name}`, { recursive: true, force: true });
}
process.stdout.write('Removed the data, logs and keys of the local stack.\n');

function readPid(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

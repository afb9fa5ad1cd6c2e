#!/usr/bin/env node
// The entry of `npm run clean`: removes the local stack's data and logs; keeps the cache and the keys.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const [argument] = process.argv.slice(2);
if (argument !== undefined) {
  const isHelp = argument === '--help' || argument === '-h';
  const stream = isHelp ? process.stdout : process.stderr;
  if (!isHelp)
    stream.write(`clean takes no argument, and "${argument}" was given. Nothing was removed.\n`);
  stream.write(
    'Usage: npm run clean    removes the data and logs of the local stack (.local, or USAGE_LOCAL_DIR)\n',
  );
  process.exit(isHelp ? 0 : 1);
}

const given = process.env.USAGE_LOCAL_DIR;
const local = resolve(given ?? fileURLToPath(new URL('../../../.local/', import.meta.url)));
const keys = join(local, 'control-keys');

// Somebody's own directory may hold a folder "data", too.
if (given !== undefined && ![keys, join(local, 'stack.env')].some((path) => existsSync(path))) {
  process.stdout.write(`There is no local stack in ${local}: nothing was removed.\n`);
  process.exit(0);
}
for (const part of ['', 'data/kafka', 'data/clickhouse']) {
  const pid = Number.parseInt(readPid(join(local, part, 'pid')), 10);
  if (pid > 0 && isAlive(pid)) {
    process.stderr.write(
      `The stack in ${local} is running (process ${String(pid)}): stop "npm start" first. Nothing was removed.\n`,
    );
    process.exit(1);
  }
}
for (const name of ['data', 'logs', 'stack.env', 'netrc', 'pid']) {
  rmSync(join(local, name), { recursive: true, force: true });
}
process.stdout.write(`Removed the data and logs of the local stack in ${local}.\n`);
if (existsSync(keys)) {
  // Topics on servers that are not ours may be signed with them, and nobody could verify those again.
  process.stdout.write(
    `Its control keys stay: remove ${keys} yourself once no topic anywhere is signed with them.\n`,
  );
}

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

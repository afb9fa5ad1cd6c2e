import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  clickHouseSettings,
  controlKeySettings,
  kafkaSettings,
  parseEnvironment,
} from './config.ts';
import { isGiven } from './secret-files.ts';

const SECRET = 'not for everybody';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'secret-files-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const fileWith = (text: string): string => {
  const path = join(directory, 'secret');
  writeFileSync(path, text);
  return path;
};

const messageFor = (parse: () => unknown): string => {
  try {
    parse();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('it was accepted');
};

test('a secret is read from the file that its setting names, without the end of its line', () => {
  const path = fileWith(`${SECRET}\n`);
  expect(parseEnvironment(clickHouseSettings, { CLICKHOUSE_PASSWORD_FILE: path })).toMatchObject({
    CLICKHOUSE_PASSWORD: SECRET,
  });
  expect(parseEnvironment(kafkaSettings, { KAFKA_PASSWORD_FILE: path })).toMatchObject({
    KAFKA_PASSWORD: SECRET,
  });
});

test('a secret in a file has to be as good as one in the environment, and is not repeated either', () => {
  const message = messageFor(() =>
    parseEnvironment(controlKeySettings, { USAGE_CONTROL_KEYS_FILE: fileWith(SECRET) }),
  );
  expect(message).toContain('USAGE_CONTROL_KEYS: must be id:secret');
  expect(message).not.toContain(SECRET);
});

test.each([
  ['that is not there', () => '/nowhere/secret', 'the file cannot be read (ENOENT)'],
  ['that is a directory', () => directory, 'the file cannot be read (EISDIR)'],
  ['that is empty', () => fileWith(' \n'), 'the file is empty'],
])('a file %s is named once, by its setting', (_, path, problem) => {
  const environment = { USAGE_CONTROL_KEYS_FILE: path() };
  expect(messageFor(() => parseEnvironment(controlKeySettings, environment))).toBe(
    `The settings cannot be used. USAGE_CONTROL_KEYS_FILE: ${problem}`,
  );
});

test('a secret that is given twice is refused, since one of them would be ignored', () => {
  const environment = { KAFKA_PASSWORD: 'one', KAFKA_PASSWORD_FILE: fileWith(SECRET) };
  const message = messageFor(() => parseEnvironment(kafkaSettings, environment));
  expect(message).toContain('KAFKA_PASSWORD_FILE: is set and KAFKA_PASSWORD too');
  expect(message).not.toContain(SECRET);
});

test('a setting is given by itself or by its file', () => {
  expect(isGiven('KAFKA_PASSWORD', { KAFKA_PASSWORD_FILE: '/x' })).toBe(true);
  expect(isGiven('KAFKA_PASSWORD_FILE', { KAFKA_PASSWORD: 'x' })).toBe(true);
  expect(isGiven('KAFKA_PASSWORD', { KAFKA_PASSWORD_FILE: ' ' })).toBe(false);
});

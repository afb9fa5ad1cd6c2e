import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findJava, parseJavaVersion } from './java.ts';

test.each([
  ['openjdk version "17.0.15" 2025-04-15\nOpenJDK Runtime Environment', '17.0.15', 17],
  ['openjdk version "21" 2023-09-19', '21', 21],
  ['openjdk version "25-ea" 2025-09-16', '25-ea', 25],
  ['java version "1.8.0_392"', '1.8.0_392', 8],
  ['Picked up JAVA_TOOL_OPTIONS: -Xmx1g\nopenjdk version "11.0.2" 2019-01-15', '11.0.2', 11],
])('%p is Java %s', (output, version, major) => {
  expect(parseJavaVersion(output)).toEqual({ version, major });
});

test.each(['', 'The operation couldn’t be completed. Unable to locate a Java Runtime.'])(
  '%p names no version',
  (output) => {
    expect(parseJavaVersion(output)).toBeNull();
  },
);

describe('with a JAVA_HOME', () => {
  let home: string;

  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'java-home-'));
    await mkdir(join(home, 'bin'));
  });
  afterEach(() => rm(home, { recursive: true }));

  /** A `java` that prints a line and ends with a code. */
  const install = async (line: string, code = 0): Promise<void> => {
    const path = join(home, 'bin/java');
    await writeFile(path, `#!/bin/sh\necho '${line}' >&2\nexit ${String(code)}\n`);
    await chmod(path, 0o755);
  };
  const find = () => findJava({ JAVA_HOME: home });

  test('its java is taken', async () => {
    await install('openjdk version "21.0.1"');
    expect(await find()).toEqual({ command: join(home, 'bin/java'), version: '21.0.1' });
  });

  test('a Java that is too old is named, with both ways out', async () => {
    await install('java version "1.8.0_392"');
    await expect(find()).rejects.toThrow(
      /needs Java 17 and ".*bin\/java" is 1\.8\.0_392: install Java 17 .*, or set KAFKA_BROKERS/,
    );
  });

  test('a Java that is not there is named, with both ways out', async () => {
    await expect(find()).rejects.toThrow(
      /needs Java and ".*bin\/java" was not found: install Java 17 .*, or set KAFKA_BROKERS/,
    );
  });

  test('a Java that fails is told with its own words', async () => {
    await install('Unable to locate a Java Runtime.', 1);
    await expect(find()).rejects.toThrow(/-version" failed \(Unable to locate a Java Runtime\.\)/);
  });
});

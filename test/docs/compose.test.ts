import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { HEALTH_PAGES } from '../../services/entry/health-pages.ts';
import { PROGRAMS } from '../../services/entry/programs.ts';
import { DEFAULT_PORTS } from '../../services/shared/process/default-ports.ts';
import { inRepository } from '../../services/shared/process/repository.ts';
import { testImages } from '../support/containers.ts';
import { settingsOfCode } from './settings-of-code.ts';

/** The compose files name only what the code knows: programs, settings, ports, images and files. */
const serviceSchema = z.object({
  image: z.string(),
  command: z.array(z.string()).optional(),
  environment: z.record(z.string(), z.string()).default({}),
  ports: z.array(z.string()).default([]),
  depends_on: z.record(z.string(), z.object({ condition: z.string() })).default({}),
  healthcheck: z.unknown().optional(),
  build: z.string().optional(),
  restart: z.string(),
  read_only: z.boolean().default(false),
  volumes: z.array(z.string()).default([]),
});
const composeSchema = z.object({
  services: z.record(z.string(), serviceSchema),
  volumes: z.record(z.string(), z.unknown()),
});

const textOf = (path: string): string => readFileSync(inRepository(path), 'utf8');

const composeAt = (path: string): z.output<typeof composeSchema> =>
  composeSchema.parse(parse(textOf(path), { merge: true }));

const all = composeAt('docker-compose.yml');
const servers = composeAt('docker-compose.servers.yml');
const packageFile = JSON.parse(textOf('package.json')) as {
  readonly version: string;
  readonly engines: { readonly node: string };
};
const { version } = packageFile;
const OUR_IMAGE = `usage-pipeline:${version}`;

const ours = Object.entries(all.services).filter(([, { image }]) => image === OUR_IMAGE);
const theirs = Object.entries(all.services).filter(([, { image }]) => image !== OUR_IMAGE);

test('every image has a version, and the servers those that are tested', () => {
  const images = [...theirs, ...Object.entries(servers.services)].map(([, { image }]) => image);
  for (const image of images) expect(image).toMatch(/^[\w./-]+:\d+\.\d+[\d.]+$/);
  expect(new Set(images).size).toBe(2);
  const kafka = /<kafka\.version>([^<]+)</.exec(textOf('deploy/kafka/pom.xml'))?.[1] ?? '';
  expect(images).toContain(`apache/kafka:${kafka}`);
  expect(images).toContain(testImages({}).clickHouse);
  expect(ours.length).toBeGreaterThan(8);
});

test('every command is a program', () => {
  const programs = ours
    .filter(([name]) => name !== 'usagectl')
    .map(([, { command }]) => command?.[0] ?? '');
  expect(programs.filter((name) => !Object.hasOwn(PROGRAMS, name))).toEqual([]);
  const services = programs.filter((name) => Object.hasOwn(HEALTH_PAGES, name));
  expect(services.toSorted()).toEqual(Object.keys(HEALTH_PAGES).toSorted());
});

test('every setting is one', () => {
  const unknown = ours.flatMap(([service, { environment }]) =>
    Object.keys(environment)
      .filter((name) => !settingsOfCode.has(name))
      .map((name) => `${service}: ${name}`),
  );
  expect(unknown).toEqual([]);
});

test('every address leads to a service of the file and to the port on which it listens', () => {
  const ports: Readonly<Record<string, readonly number[]>> = {
    ...Object.fromEntries(Object.entries(HEALTH_PAGES).map(([name, { port }]) => [name, [port]])),
    clickhouse: [DEFAULT_PORTS.clickHouse],
    kafka: [19092],
  };
  const addresses = ours.flatMap(([, { environment }]) =>
    Object.entries(environment).flatMap(([name, value]) =>
      /_(?:URL|BROKERS)$/.test(name) ? [value.replace(/^https?:\/\//, '')] : [],
    ),
  );
  expect(addresses.length).toBeGreaterThan(20);
  for (const address of new Set(addresses)) {
    const [host = '', port] = address.split('/')[0]?.split(':') ?? [];
    expect(Object.keys(all.services)).toContain(host);
    expect(ports[host]).toContain(Number(port));
  }
});

test('what is published is published on loopback, on its usual port', () => {
  const published = Object.values({ ...all.services }).flatMap(({ ports }) => ports);
  expect(published.toSorted()).toEqual(
    [DEFAULT_PORTS.kafka, DEFAULT_PORTS.clickHouse, DEFAULT_PORTS.usageApi, DEFAULT_PORTS.commerce]
      .map((port) => `127.0.0.1:${String(port)}:${String(port)}`)
      .toSorted(),
  );
});

test('only what has a health page is waited for until it is healthy, and only what ends until it has ended', () => {
  for (const [name, { depends_on }] of Object.entries(all.services)) {
    for (const [other, { condition }] of Object.entries(depends_on)) {
      const [command = ''] = all.services[other]?.command ?? [];
      const isService = theirs.some(([each]) => each === other) || command in HEALTH_PAGES;
      const expected = isService ? 'service_healthy' : 'service_completed_successfully';
      expect({ name, other, condition }).toEqual({ name, other, condition: expected });
    }
  }
});

test('our containers may write only into volumes', () => {
  for (const [name, { read_only }] of ours)
    expect({ name, read_only }).toEqual({ name, read_only: true });
});

test('secrets come from files, and no file has one', () => {
  const secrets = ours.flatMap(([, { environment }]) =>
    Object.keys(environment).filter((name) => /(?:PASSWORD|KEYS|TOKEN|SECRET)$/.test(name)),
  );
  expect(secrets).toEqual([]);
});

test('the image is built once, for the step that comes before all others', () => {
  expect(ours.filter(([, { build }]) => build !== undefined).map(([name]) => name)).toEqual([
    'keys',
  ]);
  expect(all.services['keys']?.depends_on).toEqual({});
});

test('the releases of Node that may run this are those that are tested', () => {
  const image = /^ARG NODE_IMAGE=node:(\d+)\.[\d.]+-bookworm-slim$/m.exec(textOf('Dockerfile'));
  const previous = /^previous=(\d+)\./m.exec(textOf('.ci/on-node'));
  expect(packageFile.engines.node).toBe(
    `^20.19 || ^${previous?.[1] ?? ''} || ^${image?.[1] ?? ''}`,
  );
  expect(textOf('Dockerfile')).toContain(`ARG VERSION=${version}\n`);
});

test('what the image is built from is in its context', () => {
  const context = textOf('.dockerignore')
    .split('\n')
    .filter((line) => line.startsWith('!'))
    .map((line) => line.slice(1));
  const copied = [...textOf('Dockerfile').matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap(
    ([, paths = '']) => paths.split(' '),
  );
  expect(copied.toSorted()).toEqual(context.toSorted());
});

test('the proof calls the commands of the documents', () => {
  const proof = textOf('test/containers/prove.sh');
  const [, block = ''] =
    /## Everything at once\s+```sh\n([^`]+)```/.exec(textOf('docs/containers.md')) ?? [];
  const commands = block
    .trim()
    .split('\n')
    .map((line) => line.replace(/\s+#.*$/, ''));
  expect(commands.length).toBeGreaterThan(3);
  for (const command of commands) expect(proof).toContain(command);
});

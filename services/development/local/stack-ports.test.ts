import { createServer } from 'node:net';
import { once } from 'node:events';
import { checkStackPorts, readStackPorts } from './stack-ports.ts';

test('without a setting every part has its usual port', async () => {
  expect(await readStackPorts({})).toEqual({
    kafka: 9092,
    clickHouse: 8123,
    usageApi: 8080,
    commerce: 8081,
    aggregatorHealth: 9400,
    bridgeHealth: 9401,
    providers: 9402,
  });
});

test('one PORT_BASE moves all ports, and a setting of its own moves one', async () => {
  expect(await readStackPorts({ PORT_BASE: '29000', COMMERCE_PORT: '8081' })).toEqual({
    kafka: 29000,
    clickHouse: 29001,
    usageApi: 29002,
    commerce: 8081,
    aggregatorHealth: 29004,
    bridgeHealth: 29005,
    providers: 29006,
  });
});

test('HEALTH_PORT gives each service a port of its own', async () => {
  expect(await readStackPorts({ HEALTH_PORT: '29400' })).toMatchObject({
    aggregatorHealth: 29400,
    bridgeHealth: 29401,
    providers: 29402,
  });
});

test('PORT_BASE 0 takes free ports, which are known before anything starts', async () => {
  const { kafka, clickHouse, ...services } = await readStackPorts({ PORT_BASE: '0' });
  expect([kafka, clickHouse]).toEqual([0, 0]); // these two tell theirs themselves
  const ports = Object.values(services);
  expect(new Set(ports).size).toBe(5);
  expect(Math.min(...ports)).toBeGreaterThan(1023);
});

test('two parts on one port are refused, with both settings', async () => {
  await expect(readStackPorts({ CLICKHOUSE_PORT: '9401' })).rejects.toThrow(
    'CLICKHOUSE_PORT and HEALTH_PORT + 1 are both 9401: give each a port of its own',
  );
  // Kafka runs elsewhere: what its port would be concerns nobody.
  const elsewhere = { KAFKA_BROKERS: 'broker:9092', USAGE_API_PORT: '9092' };
  expect(await readStackPorts(elsewhere)).toMatchObject({ usageApi: 9092 });
});

test.each([
  [{ PORT_BASE: '65530' }, /PORT_BASE: must be a whole number from 0 to 65529/],
  [{ PORT_BASE: 'x' }, /PORT_BASE/],
  [{ HEALTH_PORT: '65534', KAFKA_PORT: 'x' }, /KAFKA_PORT.*HEALTH_PORT/],
])('%j is refused', async (environment, message) => {
  await expect(readStackPorts(environment)).rejects.toThrow(message);
});

test('a port in use is named with its setting; one that becomes free is waited for', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const ports = { ...(await readStackPorts({ PORT_BASE: '0' })), bridgeHealth: port };
  await expect(checkStackPorts(ports, {}, 0)).rejects.toThrow(
    `The bridge’s health cannot listen on 127.0.0.1:${String(port)}, the port is in use: stop what listens there, or set HEALTH_PORT (the first of three) or PORT_BASE (all of them) to another port.`,
  );
  const waiting = checkStackPorts(ports, {}, 60_000);
  server.close();
  await expect(waiting).resolves.toBeUndefined();
});

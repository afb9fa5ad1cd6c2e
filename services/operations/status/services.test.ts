import { createServer, type AddressInfo, type Socket } from 'node:net';
import { parseEnvironment, serviceUrlSettings } from '../../shared/process/config.ts';
import { startHealthServer } from '../../shared/process/health.ts';
import { readServices } from './services.ts';

test('a halt shows wherever the service listens', async () => {
  const problem = 'usage.events.compute/1/0 has halted, lost-records: records expired';
  const server = await startHealthServer({ HEALTH_PORT: 0, HTTP_ALLOWED_HOSTS: [] }, () => ({
    problems: [problem],
    details: {},
  }));
  const urls = parseEnvironment(serviceUrlSettings, { AGGREGATOR_HEALTH_URL: `${server.url}/` });
  try {
    expect((await readServices(urls))[0]).toEqual({
      name: 'aggregator',
      state: 'not ready',
      reason: problem,
      isWrong: true,
    });
  } finally {
    await server.close();
  }
});

/** Where nobody listens, or where what listens never answers. */
const portOf = async (isFrozen: boolean) => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => sockets.push(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  if (!isFrozen) await close();
  return { url: `http://127.0.0.1:${String(port)}`, close };
};

const aggregatorAt = async (url: string, isGiven: boolean) => {
  const given = { AGGREGATOR_HEALTH_URL: url };
  const urls = parseEnvironment(serviceUrlSettings, given);
  return (await readServices(urls, isGiven ? given : {}))[0];
};

test('a frozen service is not "not running here": it gives no answer, and that is wrong', async () => {
  const { url, close } = await portOf(true);
  try {
    expect(await aggregatorAt(url, false)).toMatchObject({ state: 'no answer', isWrong: true });
  } finally {
    await close();
  }
});

test('where nothing listens, that is wrong if the service is meant to be there', async () => {
  const { url } = await portOf(false);
  expect(await aggregatorAt(url, true)).toMatchObject({ state: 'not running here', isWrong: true });
  expect(await aggregatorAt(url, false)).toMatchObject({
    state: 'not running here',
    isWrong: false,
  });
});

test('a CA file that cannot be read is named', async () => {
  const urls = parseEnvironment(serviceUrlSettings, {});
  await expect(readServices(urls, { USAGE_API_CA_FILE: '/nowhere/ca.pem' })).rejects.toThrow(
    'USAGE_API_CA_FILE cannot be read: ',
  );
});

test('a provider that its process does not run is not missed', async () => {
  const server = await startHealthServer({ HEALTH_PORT: 0, HTTP_ALLOWED_HOSTS: [] }, () => ({
    problems: [],
    details: {},
  }));
  const given = { STORAGE_PROVIDER_URL: `${server.url}/storage` };
  try {
    const services = await readServices(parseEnvironment(serviceUrlSettings, given), given);
    expect(services.find(({ name }) => name === 'provider-storage')).toEqual({
      name: 'provider-storage',
      state: 'not running here',
      reason: null,
      isWrong: false,
    });
  } finally {
    await server.close();
  }
});

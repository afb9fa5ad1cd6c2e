import { parseEnvironment, serviceUrlSettings } from '../../shared/config.ts';
import { startHealthServer } from '../../shared/health.ts';
import { readServices } from './services.ts';

test('a halt shows wherever the service listens', async () => {
  const halt = { code: 'lost-records', message: 'records expired' };
  const server = await startHealthServer({ HEALTH_PORT: 0, HTTP_ALLOWED_HOSTS: [] }, () => ({
    ready: false,
    details: { partitions: [{ partition: 'usage.events.compute/1/0', halt }] },
  }));
  const urls = parseEnvironment(serviceUrlSettings, { AGGREGATOR_HEALTH_URL: `${server.url}/` });
  try {
    expect((await readServices(urls))[0]).toEqual({
      name: 'aggregator',
      state: 'not ready',
      reason: 'usage.events.compute/1/0 has halted, lost-records: records expired',
    });
  } finally {
    await server.close();
  }
});

import { HOUR_MILLIS } from '../../services/shared/model/time.ts';
import { Pipeline } from '../support/pipeline.ts';
import { startService } from '../support/service-process.ts';
import { waitFor } from '../support/wait-for.ts';

test('a provider whose reports do not get through is not ready, and says so; the others are', async () => {
  const pipeline = await Pipeline.open(HOUR_MILLIS);
  const providers = await startService('providers', {
    ...pipeline.environment,
    USAGE_API_SIGN_IN: 'off',
    CLOUD_PROVIDERS: 'compute,storage',
    CLOUD_STALL_MILLIS: '100',
    CLOUD_REPORTS_PER_HOUR: '3600',
  });
  try {
    const url = await providers.address('health');
    for (const name of ['compute', 'storage']) {
      await waitFor(`a report of ${name} has got through`, async () => {
        const answer = await fetch(`${url}/${name}/health/ready`);
        const { reported } = (await answer.json()) as { reported: number };
        return reported > 0;
      });
    }
    const topic = `${pipeline.stack.config.USAGE_TOPIC_PREFIX}.events.compute`;
    await pipeline.admin.deleteTopics({ topics: [topic] });
    const answer = await waitFor('it is not ready', async () => {
      const asked = await fetch(`${url}/compute/health/ready`);
      return asked.status === 503 && asked;
    });
    expect(await answer.json()).toMatchObject({
      status: 'not ready',
      problems: [expect.stringMatching(/^no report got through for \d+ s/) as string],
    });
    await waitFor('storage is ready', async () => {
      const asked = await fetch(`${url}/storage/health/ready`);
      return asked.status === 200;
    });
  } finally {
    await providers.kill();
    await pipeline.close();
  }
});

test('a provider that the simulated cloud does not have is refused, with those that it has', async () => {
  const pipeline = await Pipeline.open(HOUR_MILLIS);
  try {
    await expect(
      startService('providers', {
        ...pipeline.environment,
        USAGE_API_SIGN_IN: 'off',
        CLOUD_PROVIDERS: 'compute,weather',
      }),
    ).rejects.toThrow(
      /The simulated cloud has no provider "weather": CLOUD_PROVIDERS may name compute, storage/,
    );
  } finally {
    await pipeline.close();
  }
});

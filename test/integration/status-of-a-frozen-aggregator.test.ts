import { HOUR_MILLIS } from '../../services/shared/model/time.ts';
import { Pipeline } from '../support/pipeline.ts';
import { usagectl } from '../support/service-process.ts';

interface Status {
  readonly services: readonly { readonly name: string; readonly state: string }[];
  readonly problems: readonly string[];
}

test('the aggregator is frozen: status says so and fails, also before anything is unread', async () => {
  const pipeline = await Pipeline.open(HOUR_MILLIS);
  try {
    const aggregator = await pipeline.startAggregator();
    await pipeline.settled();
    const url = await aggregator.address('health');
    const status = async () => {
      const { code, stdout } = await usagectl(['status', '--json'], {
        ...pipeline.environment,
        AGGREGATOR_HEALTH_URL: url,
      });
      const { services, problems } = JSON.parse(stdout) as Status;
      const state = services.find(({ name }) => name === 'aggregator')?.state;
      return { code, state, problems: problems.filter((each) => each.startsWith('aggregator')) };
    };
    expect(await status()).toMatchObject({ state: 'ready', problems: [] });
    process.kill(aggregator.pid, 'SIGSTOP');
    expect(await status()).toMatchObject({
      code: 1,
      state: 'no answer',
      problems: [expect.stringMatching(/^aggregator: no answer: nothing came from http/) as string],
    });
  } finally {
    await pipeline.close();
  }
});

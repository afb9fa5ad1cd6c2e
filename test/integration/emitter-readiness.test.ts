import { HOUR_MILLIS } from '../../services/shared/model/time.ts';
import { Pipeline } from '../support/pipeline.ts';
import { startService } from '../support/service-process.ts';
import { waitFor } from '../support/wait-for.ts';

test('an emitter whose reports do not get through is not ready, and says so', async () => {
  const pipeline = await Pipeline.open(HOUR_MILLIS);
  const emitter = await startService('emitters', {
    ...pipeline.environment,
    EMITTER_STALL_MILLIS: '100',
    EMITTER_REPORTS_PER_HOUR: '3600',
  });
  try {
    const url = `${await emitter.address('health')}/health/ready`;
    await waitFor('a report has got through', async () => {
      const { reported } = (await (await fetch(url)).json()) as { reported: number };
      return reported > 0;
    });
    const topic = `${pipeline.stack.config.USAGE_TOPIC_PREFIX}.events.compute`;
    await pipeline.admin.deleteTopics({ topics: [topic] });
    const answer = await waitFor('it is not ready', async () => {
      const asked = await fetch(url);
      return asked.status === 503 && asked;
    });
    expect(await answer.json()).toMatchObject({
      status: 'not ready',
      problems: [expect.stringMatching(/^no report got through for \d+ s/) as string],
    });
  } finally {
    await emitter.kill();
    await pipeline.close();
  }
});

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { queryRows } from '../../services/shared/clickhouse/client.ts';
import { resourceKey } from '../../services/shared/model/placement.ts';
import { hourOf, HOUR_MILLIS, millis, type Hour } from '../../services/shared/model/time.ts';
import { encodeEvent, eventOf } from '../support/fold/fixtures.ts';
import { Pipeline, STORAGE_ONLY } from '../support/pipeline.ts';

test('what new rules accept can be redriven at once: nobody is told to do again what was done', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'new-rules-'));
  const pipeline = await Pipeline.open(HOUR_MILLIS, STORAGE_ONLY);
  try {
    const { topic } = await pipeline.onlySource();
    const { resourceUri } = eventOf();
    const start = hourOf(millis(Date.now()), HOUR_MILLIS);
    const event = eventOf({
      resourceUri: resourceUri.replace('Microsoft.Compute', 'Microsoft.Network'),
      usageStartTime: (start - HOUR_MILLIS) as Hour,
      usageEndTime: start,
    });
    await pipeline.tools.writer.append({ topic, partition: 0 }, [
      { key: Buffer.from(resourceKey(event.resourceUri)), value: encodeEvent(event) },
    ]);
    const aggregator = await pipeline.startAggregator();
    await pipeline.settled();
    await aggregator.stop();
    const redrive = ['dlq', 'redrive', '--code', 'wrong-provider', '--yes'];
    expect((await pipeline.usagectl(...redrive)).stdout).toContain('no open live topic serves');

    const providers = join(directory, 'providers.json');
    const namespaces = ['microsoft.storage', 'microsoft.network'];
    await writeFile(providers, JSON.stringify([{ ...STORAGE_ONLY[0], namespaces }]));
    const applied = await pipeline.usagectl('rules', 'apply', '--providers', providers);
    expect(applied).toMatchObject({ code: 0, stderr: '' });
    expect(applied.stdout).toContain('can be redriven now');
    expect(applied.stdout).not.toContain('Restart');
    // An hour that is open now is billed as before.
    const { firstHour, takenUp = [] } = await pipeline.onlySource();
    expect(takenUp).toEqual([
      { namespace: 'microsoft.storage', from: firstHour },
      { namespace: 'microsoft.network', from: expect.any(Number) as number },
    ]);
    expect(takenUp[1]?.from).toBeGreaterThan(start);
    expect(await pipeline.usagectl(...redrive)).toMatchObject({ code: 0, stderr: '' });

    await pipeline.startAggregator();
    await pipeline.settled();
    const counts = await queryRows(
      pipeline.stack.clickHouse,
      `SELECT toUInt32(accepted) AS accepted, toUInt32(dead_lettered) AS refused FROM checkpoints FINAL`,
    );
    expect(counts).toEqual([{ accepted: 1, refused: 1 }]);
  } finally {
    await pipeline.close();
    await rm(directory, { recursive: true });
  }
});

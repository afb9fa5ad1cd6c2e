import { createOutTopics } from '../../../services/shared/sources/check-topics.ts';
import { readSources } from '../../../services/shared/sources/register.ts';
import { startService, usagectl } from '../../support/service-process.ts';
import type { BenchRow } from '../bench.ts';
import { untilAssigned, untilStored } from '../contenders/aggregator.ts';
import { atLeast } from '../figure.ts';
import { auditProblem, dropDatabase, openScene, withTools } from '../scene.ts';

const ROW = 'sparse';
const SUBSCRIPTIONS = 4;

/** A simulated past, in which each hour holds some dozens of events: what an import of history is like. */
export const sparse: BenchRow = {
  name: ROW,
  title: 'reported hours a second of sparse history, as "usagectl simulate" writes it',
  run: async ({ options, servers, say }) => {
    const hours = options.quick ? 720 : 8_760;
    const scene = await openScene(servers, ROW);
    try {
      await withTools(scene, ({ admin }) => createOutTopics(admin, scene.config));
      const told = ['simulate', '--hours', String(hours), '--subscriptions', String(SUBSCRIPTIONS)];
      const { code, stdout, stderr } = await usagectl(told, scene.environment);
      if (code !== 0) throw new Error(`usagectl simulate failed: ${stderr}`);
      say(`  ${stdout.trim()}`);
      const records = await withTools(scene, async ({ clickHouse, admin }) => {
        const [source] = await readSources(clickHouse);
        const offsets = await admin.offsets(source?.topic ?? '');
        return offsets.reduce((sum, { high }) => sum + high, 0);
      });
      const service = await startService('aggregator', scene.environment);
      try {
        const assigned = await untilAssigned(service);
        const stored = await untilStored(service, records);
        await service.stop();
        return [
          {
            row: ROW,
            title: `reported hours of ${String(SUBSCRIPTIONS)} subscriptions`,
            value: hours / ((stored - assigned) / 1000),
            unit: 'hours/s',
            target: atLeast(300),
            problem: await auditProblem(scene),
          },
        ];
      } finally {
        await service.kill();
      }
    } finally {
      await dropDatabase(scene);
    }
  },
};

import { readFile, writeFile } from 'node:fs/promises';
import { readTerms } from '../../services/shared/billing/terms-table.ts';
import { inRepository } from '../../services/shared/process/repository.ts';
import { openBillingStack, until, type BillingStack } from '../support/bridge/billing-stack.ts';

let stack: BillingStack;
beforeAll(async () => {
  stack = await openBillingStack();
});
afterAll(() => stack.close());

test('a changed registration applies without a restart, and a malformed one changes nothing and is told', async () => {
  const sample = await readFile(inRepository('samples/registration.json'), 'utf8');
  const path = await stack.writeFile(sample);
  await stack.startCommerce();
  const bridge = await stack.startBridge({ COMMERCE_REGISTRATION_FILE: path });
  const ready = async () => {
    const answer = await fetch(`${bridge.health}/health/ready`);
    return { status: answer.status, text: await answer.text() };
  };
  const reporting = async () => (await readTerms(stack.clickHouse)).map((terms) => terms.reporting);
  await until(ready, ({ status }) => status === 200);

  await writeFile(path, sample.slice(0, -10));
  const told = await until(ready, ({ status }) => status !== 200);
  expect(told.text).toContain('it is not JSON');
  expect(told.text).toContain('The registration of before stays in force');
  expect(bridge.log.join('\n')).toContain('The registration of before stays in force');
  expect(await reporting()).toEqual(['on']);

  const changed = { ...(JSON.parse(sample) as object), state: 'NotRegistered' };
  const before = Date.now();
  await writeFile(path, JSON.stringify(changed));
  await until(reporting, (found) => found.length === 2);
  expect(await reporting()).toEqual(['on', 'not-registered']);
  expect((await readTerms(stack.clickHouse)).at(-1)?.effectiveFrom).toBeGreaterThan(before);
  await until(ready, ({ status }) => status === 200);
});

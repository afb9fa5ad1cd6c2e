import { succeed } from '../../shared/model/result.ts';
import { resourceKey } from '../../shared/model/placement.ts';
import { millis, type Millis } from '../../shared/model/time.ts';
import { timeOf } from '../../shared/model/time-text.ts';
import type { CloudResource } from '../simulated-cloud/resource.ts';
import { newResource } from '../simulated-cloud/new-resource.ts';
import { LiveCloud } from './live-cloud.ts';

const HOUR = timeOf('2026-02-03T04:00:00Z');
const at = (seconds: number): Millis => millis(HOUR + seconds * 1_000);

const ADDRESS = newResource({
  subscriptionId: '1d6c4363-3a9b-4cb6-8e6c-fc2e9ec74ca4',
  group: 'web',
  kind: 'public-ip',
  name: 'ip',
  changes: [{ kind: 'created', at: at(0), size: 'static' }],
});

/** A change that remembers when it was made. */
const deletion = (resources: ReadonlyMap<string, CloudResource>, when: Millis) => {
  const address = resources.get(resourceKey(ADDRESS.resourceUri)) ?? ADDRESS;
  return succeed([
    { ...address, changes: [...address.changes, { kind: 'deleted', at: when }] },
  ] as const);
};

const noStore = (): Promise<void> => Promise.resolve();

test('a change counts from the start of the slice that runs', async () => {
  const cloud = new LiveCloud([ADDRESS], [], at(0), noStore);
  await cloud.forReport(at(9));
  const done = await cloud.change(() => at(9), deletion, 'olga');
  expect(done).toMatchObject({ ok: true, value: { from: at(9) } });
});

test('a change never reaches behind what a report has begun to tell, whatever the clock says', async () => {
  const cloud = new LiveCloud([ADDRESS], [], at(0), noStore);
  await cloud.forReport(at(18));
  const done = await cloud.change(() => at(9), deletion, 'olga');
  expect(done).toMatchObject({ ok: true, value: { from: at(18) } });
});

test('after a start, a change waits until the previous process can have reported nothing of it', async () => {
  const cloud = new LiveCloud([ADDRESS], [], at(27), noStore);
  const done = await cloud.change(() => at(18), deletion, 'olga');
  expect(done).toMatchObject({ ok: true, value: { from: at(27) } });
});

test('a report that begins while a change is stored waits, and tells the change', async () => {
  const events: string[] = [];
  let stored = (): void => undefined;
  const cloud = new LiveCloud([ADDRESS], [], at(0), ([first]) => {
    events.push(`put revision ${String(first?.revision)}`);
    return new Promise((resolve) => {
      stored = resolve;
    });
  });
  const changing = cloud.change(() => at(9), deletion, 'olga');
  const reporting = cloud.forReport(at(18)).then(([first]) => {
    events.push(`report with ${String(first?.changes.length)} changes`);
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(events).toEqual(['put revision 1']);
  stored();
  await Promise.all([changing, reporting]);
  expect(events).toEqual(['put revision 1', 'report with 2 changes']);
});

test('a change that could not be stored has not happened', async () => {
  const cloud = new LiveCloud([ADDRESS], [], at(0), () => Promise.reject(new Error('away')));
  await expect(cloud.change(() => at(9), deletion, 'olga')).rejects.toThrow('away');
  expect(cloud.all()).toEqual([ADDRESS]);
});

test('what a person has changed takes the place of what the seed says', () => {
  const changed = { ...ADDRESS, changes: [] };
  const cloud = new LiveCloud([ADDRESS], [{ value: changed, revision: 3 }], at(0), noStore);
  expect(cloud.all()).toEqual([changed]);
});

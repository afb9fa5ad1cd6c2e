import { Lane } from './lane.ts';

test('a lane lets as many in as it is wide, and the next when one leaves, in order', async () => {
  const lane = new Lane(2);
  const entered: number[] = [];
  const leave: (() => void)[] = [];
  const enter = async (id: number): Promise<void> => {
    leave.push(await lane.enter());
    entered.push(id);
  };
  const all = [1, 2, 3, 4].map(enter);
  await Promise.all(all.slice(0, 2));
  expect(entered).toEqual([1, 2]);
  leave[0]?.();
  await all[2];
  expect(entered).toEqual([1, 2, 3]);
  leave[1]?.();
  await all[3];
  expect(entered).toEqual([1, 2, 3, 4]);
});

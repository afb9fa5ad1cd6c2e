import { giveWay } from './give-way.ts';

const work = (millis: number): void => {
  const end = performance.now() + millis;
  while (performance.now() < end);
};

test('long work lets what waits have its turn between its parts', async () => {
  let hadTurn = false;
  setImmediate(() => (hadTurn = true));
  for (let part = 0; part < 3; part++) {
    work(30);
    await giveWay();
  }
  expect(hadTurn).toBe(true);
});

test('of several who wait, each goes on in a turn of its own', async () => {
  let turn = 0;
  let next = setImmediate(() => undefined);
  const count = (): void => {
    turn++;
    next = setImmediate(count);
  };
  count();
  work(30);
  const turns = await Promise.all(
    ['a', 'b', 'c'].map(async () => {
      await giveWay();
      return turn;
    }),
  );
  clearImmediate(next);
  expect(new Set(turns).size).toBe(3);
});

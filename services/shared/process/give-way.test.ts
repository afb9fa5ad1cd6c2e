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

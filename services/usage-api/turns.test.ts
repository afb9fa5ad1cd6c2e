import { Turns } from './turns.ts';

/** Calls that end when they are told to. */
const scene = (atOnce: number) => {
  const turns = new Turns(atOnce);
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const call = (caller: string, name: string): Promise<string> =>
    turns.run(caller, async () => {
      begun.push(name);
      await new Promise<void>((end) => ends.set(name, end));
      return name;
    });
  return { turns, begun, call, end: (name: string) => ends.get(name)?.() };
};

test('the calls of one caller wait for their turn, in their order, and not for those of another', async () => {
  const { begun, call, end } = scene(2);
  const calls = ['a1', 'a2', 'a3', 'a4'].map((name) => call('a', name));
  const other = call('b', 'b1');
  expect(begun).toEqual(['a1', 'a2', 'b1']);
  end('a2');
  expect(await calls[1]).toBe('a2');
  expect(begun).toEqual(['a1', 'a2', 'b1', 'a3']);
  for (const name of ['a1', 'a3', 'b1']) end(name);
  await Promise.all([calls[0], calls[2], other]);
  end('a4');
  expect(await calls[3]).toBe('a4');
});

test('a call that fails gives its turn to the next one', async () => {
  const { turns, begun, call, end } = scene(1);
  const failed = turns.run('a', () => Promise.reject(new Error('x')));
  const next = call('a', 'next');
  await expect(failed).rejects.toThrow('x');
  expect(begun).toEqual(['next']);
  end('next');
  expect(await next).toBe('next');
  expect(await turns.run('a', () => Promise.resolve('again'))).toBe('again');
});

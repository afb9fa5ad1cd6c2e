import { Room } from './room.ts';

/** Work that ends when it is told to. */
class Works {
  readonly begun: string[] = [];
  private readonly ends = new Map<string, () => void>();

  readonly work = (name: string) => (): Promise<void> => {
    this.begun.push(name);
    return new Promise((resolve) => this.ends.set(name, resolve));
  };

  async end(name: string): Promise<void> {
    this.ends.get(name)?.();
    await new Promise(setImmediate);
  }
}

test('calls that do not fit wait, and go on in their order, small ones behind a large one too', async () => {
  const room = new Room(100);
  const works = new Works();
  const all = [
    room.hold(60, works.work('a')),
    room.hold(60, works.work('b')),
    room.hold(10, works.work('c')),
  ];
  await works.end('');
  expect(works.begun).toEqual(['a']);
  expect(room).toMatchObject({ heldBytes: 60, waitingCalls: 2 });
  await works.end('a');
  expect(works.begun).toEqual(['a', 'b', 'c']);
  await works.end('b');
  await works.end('c');
  await Promise.all(all);
  expect(room).toMatchObject({ heldBytes: 0, waitingCalls: 0 });
});

test('a call that is larger than the room goes alone', async () => {
  const room = new Room(100);
  const works = new Works();
  const all = [
    room.hold(10, works.work('a')),
    room.hold(500, works.work('b')),
    room.hold(1, works.work('c')),
  ];
  await works.end('');
  expect(works.begun).toEqual(['a']);
  await works.end('a');
  expect(works.begun).toEqual(['a', 'b']);
  await works.end('b');
  expect(works.begun).toEqual(['a', 'b', 'c']);
  await works.end('c');
  await Promise.all(all);
});

test('work that fails gives its room back', async () => {
  const room = new Room(100);
  await expect(room.hold(100, () => Promise.reject(new Error('x')))).rejects.toThrow('x');
  expect(await room.hold(100, () => Promise.resolve(1))).toBe(1);
});

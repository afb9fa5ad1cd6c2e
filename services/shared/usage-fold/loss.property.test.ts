import fc from 'fast-check';
import { knowledge } from '../../../test/support/fold/fixtures.ts';
import { FoldRun } from '../../../test/support/fold/fold-run.ts';
import { contentOf, live, storeAll } from '../../../test/support/fold/scenarios.ts';
import { StoredWorld } from '../../../test/support/fold/stored-world.ts';
import { nextHour, type Hour } from '../model/time.ts';
import type { AcceptedLoss } from './loss.ts';
import { windowKey } from './window.ts';

/** How an owner comes to its end in front of a loss, and how the loss is taken over. */
const courses = fc.record({
  /** Records folded and stored in cuts of this size, then so many more that are not. */
  cuts: fc.array(fc.integer({ min: 1, max: 8 }), { maxLength: 5 }),
  unstored: fc.integer({ min: 0, max: 12 }),
  /** Of the writes of the last flush so many were done. */
  writes: fc.integer({ min: 0, max: 9 }),
  /** Offsets beyond the checkpoint that are lost. */
  lost: fc.integer({ min: 1, max: 20 }),
  ended: fc.boolean(),
  windowsMaxBytes: fc.constantFrom(0, Infinity),
  /** Of the writes that take the loss over so many are done by an owner that dies then. */
  interrupted: fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 3 }),
});

/** The hour from which on nothing was published, as one finds who looks. */
const unpublishedHour = (world: StoredWorld): Hour =>
  Math.max(
    0,
    ...[...world.published.keys()].map((each) => nextHour(each, world.place.source.hourMillis)),
  ) as Hour;

test('a loss that is accepted keeps what was stored, counts the rest as lost and goes on', () => {
  fc.assert(
    fc.property(live, courses, ({ place, log }, course) => {
      const world = new StoredWorld(place);
      const owner = new FoldRun(world, knowledge, course.windowsMaxBytes);
      let at = 0;
      for (const size of course.cuts) {
        owner.fold(log.slice(at, (at += size)), storeAll(world));
        owner.cut(storeAll(world));
      }
      owner.fold(log.slice(at, at + course.unstored), storeAll(world));
      owner.cut((chunk) => {
        for (const write of world.writesOf([chunk]).slice(0, course.writes)) write();
      });

      const before = contentOf(world);
      const from = world.checkpoint?.nextOffset ?? 0;
      const { ended } = course;
      const left = [...before.ledger, ...before.deadLetters].map(({ offset }) => offset + 1);
      // Behind what is left of the lost records, so that nothing of it is judged again.
      const low = Math.max(from + (ended ? 0 : course.lost), ...left);

      const isLost = ({ offset }: { offset: number }): boolean => offset >= from && offset < low;
      const loss: AcceptedLoss = {
        nextOffset: ended ? low + 1 : low,
        ended,
        openHour: unpublishedHour(world),
      };
      const kept = before.ledger.filter(isLost).length;
      const letters = before.deadLetters.filter(isLost).length;

      for (const writes of course.interrupted) {
        let todo = writes;
        takeOver(world, loss, course.windowsMaxBytes, (write) => {
          if (todo-- > 0) write();
        });
      }
      takeOver(world, loss, course.windowsMaxBytes, (write) => write());
      const { checkpoint } = world;
      if (!checkpoint) throw new Error('the loss was not taken over');
      const { counts } = checkpoint;
      expect(checkpoint.nextOffset).toBe(loss.nextOffset);
      const earlier = before.checkpoint?.counts ?? { accepted: 0, deadLettered: 0, lost: 0 };
      expect(counts.lost - earlier.lost).toBe(low - from - kept - letters);
      expect(counts.accepted - earlier.accepted).toBe(kept);
      expect(counts.deadLettered - earlier.deadLettered).toBe(letters);
      expect(checkpoint.sealed).toBe(ended || (before.checkpoint?.sealed ?? false));

      if (!ended) {
        const next = new FoldRun(world, knowledge, course.windowsMaxBytes);
        next.fold(
          log.filter(({ offset }) => offset >= low),
          storeAll(world),
        );
        next.cut(storeAll(world));
      }
      expectSound(world);
      // What was stored stays, as it was.
      const after = contentOf(world);
      expect(after.ledger.slice(0, before.ledger.length)).toEqual(before.ledger);
      for (const [hour, digests] of before.published) {
        expect(after.published).toContainEqual([hour, digests]);
      }
    }),
    { numRuns: 1_000 },
  );
});

const takeOver = (
  world: StoredWorld,
  loss: AcceptedLoss,
  windowsMaxBytes: number,
  perform: (write: () => void) => void,
): void => {
  const owner = new FoldRun(world, knowledge, windowsMaxBytes);
  const { nextOffset } = owner.state;
  if (nextOffset > loss.nextOffset || (loss.ended && nextOffset === loss.nextOffset)) return;
  owner.takeOver(loss, (chunk) => world.writesOf([chunk]).forEach(perform));
};

/** The conservation law; windows are the totals of the ledger; an hour is published in one way only. */
const expectSound = (world: StoredWorld): void => {
  const { checkpoint } = world;
  const ledger = [...world.ledger.values()];
  if (!checkpoint) throw new Error('there is no checkpoint');
  const { accepted, duplicate, deadLettered, control, lost } = checkpoint.counts;
  expect(accepted).toBe(ledger.length);
  expect(deadLettered).toBe(world.deadLetters.size);
  expect(accepted + duplicate + deadLettered + control + lost).toBe(checkpoint.nextOffset);
  const ids = ledger.map(
    ({ candidate }) =>
      `${String(candidate.usageHour)} ${Buffer.from(candidate.event.eventId).toString('hex')}`,
  );
  expect(new Set(ids).size).toBe(ids.length);
  const totals = new Map<string, [bigint, number]>();
  for (const { reportedHour, candidate } of ledger) {
    const key = `${String(reportedHour)} ${windowKey(candidate)}`;
    const [quantity, events] = totals.get(key) ?? [0n, 0];
    totals.set(key, [quantity + candidate.quantity, events + 1]);
  }
  const windows = [...world.windows].map(([key, { window }]) => [
    key,
    [window.quantity, window.eventCount],
  ]);
  expect(new Map(windows as never)).toEqual(totals);
  for (const [, digests] of contentOf(world).published) expect(digests).toHaveLength(1);
};

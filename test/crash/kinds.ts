import { openSource } from '../../services/shared/sources/source-opening.ts';
import type { RegisteredSource } from '../../services/shared/sources/register.ts';
import { waitFor } from '../support/wait-for.ts';
import type { Member } from './fleet.ts';
import type { Scene } from './scene.ts';
import { BOTH, type ServerName } from './servers.ts';

/** One kind of failure. The same seed plays it with the same draws. */
export interface Kind {
  readonly name: string;
  /** It hits the servers, which other schedules must not be using then. */
  readonly alone: boolean;
  /** Lengths of an hour, in seconds, to draw from. */
  readonly hours?: readonly number[];
  /** Starts the aggregators and does to them what it is about, while records arrive. */
  readonly play: (scene: Scene) => Promise<void>;
}

/** So that hours close all the time. */
export const USUAL_HOURS: readonly number[] = [2, 3, 4];
/** So that others write further in the hour in which a zombie stood still. */
const LONG_HOURS: readonly number[] = [5, 8];

/** The session time-out of the aggregators, in milliseconds. */
export const SESSION_MILLIS = 1_500;

/** After each step of a flush, in its order; how many passes are a matter of a few seconds. */
const FAILPOINTS: Readonly<Record<string, number>> = {
  'after-ledger': 12,
  'after-windows': 12,
  'after-dead-letter-topic': 8,
  'after-dead-letters': 8,
  'after-daily': 6,
  'after-closed-aggregates': 6,
  'after-closed': 8,
  'after-checkpoint': 16,
};

const failpointAt = (scene: Scene, name: string, suffix = ''): Record<string, string> => {
  const pass = 1 + scene.random.below(FAILPOINTS[name] ?? 1);
  return { USAGE_FAILPOINT: `${name}:${String(pass)}${suffix}` };
};

const anyFailpoint = (scene: Scene): string => scene.random.pick(Object.keys(FAILPOINTS));

/** SIGKILL after one step of a flush, then after another one in the life that follows. */
const failpointKind = (name: string): Kind => ({
  name,
  alone: false,
  play: async (scene) => {
    const lives = [failpointAt(scene, name), failpointAt(scene, anyFailpoint(scene))];
    const member = scene.fleet.join(...lives);
    if (scene.random.chance(0.3)) scene.fleet.join();
    await scene.killed(member, 1);
    await scene.killed(member, 2);
  },
});

const killAtRandom: Kind = {
  name: 'kill-at-random',
  alone: false,
  play: async (scene) => {
    const first = scene.fleet.join();
    const members = scene.random.chance(0.5) ? [first, scene.fleet.join()] : [first];
    await scene.ready(first);
    for (let kills = 3; kills > 0; kills--) {
      await scene.pass(200, 2_500);
      await scene.random.pick(members).kill();
      scene.injected++;
    }
  },
};

/** Three at first; then one after another joins, leaves in good order, or is killed. */
const joinAndLeave: Kind = {
  name: 'join-and-leave',
  alone: false,
  play: async (scene) => {
    const { random, fleet } = scene;
    let members = [fleet.join(), fleet.join(), fleet.join()];
    await Promise.all(members.map((member) => scene.ready(member)));
    for (let changes = 4; changes > 0; changes--) {
      await scene.pass(200, 1_500);
      const member = random.pick(members);
      const change = members.length > 2 ? random.pick(['leave', 'kill', 'kill']) : 'join';
      if (change === 'join') members.push(fleet.join());
      else if (change === 'kill') await member.kill();
      else {
        members = members.filter((other) => other !== member);
        await member.leave();
      }
      scene.injected++;
    }
  },
};

/** While it stands still, others take its partitions and store more; then it goes on. */
const becomeZombie = async (scene: Scene, member: Member): Promise<void> => {
  scene.injected++;
  await scene.progress();
  await scene.pass(0, 1_000);
  member.resume();
  await scene.progress();
};

const zombieAtRandom: Kind = {
  name: 'zombie-at-random',
  alone: false,
  hours: LONG_HOURS,
  play: async (scene) => {
    const members = [scene.fleet.join(), scene.fleet.join(), scene.fleet.join()];
    await Promise.all(members.map((member) => scene.ready(member)));
    for (let times = 2; times > 0; times--) {
      await scene.pass(200, 1_000);
      const member = scene.random.pick(members);
      member.pause();
      await becomeZombie(scene, member);
    }
  },
};

/** It stands still in the middle of a flush, and writes the rest of it when others have the partition. */
const zombieInFlush: Kind = {
  name: 'zombie-in-flush',
  alone: false,
  hours: LONG_HOURS,
  play: async (scene) => {
    // After the first step it has the most left to write, over rows that others have written further.
    const step = scene.random.chance(0.6) ? 'after-ledger' : anyFailpoint(scene);
    const member = scene.fleet.join(failpointAt(scene, step, ':stop'));
    await scene.ready(member);
    scene.fleet.join();
    await waitFor(`${member.name} stops at its failpoint`, () => member.isPaused(), 40);
    await becomeZombie(scene, member);
  },
};

const someMembers = async (scene: Scene): Promise<void> => {
  const members = [scene.fleet.join()];
  if (scene.random.chance(0.5)) members.push(scene.fleet.join());
  await Promise.all(members.map((member) => scene.ready(member)));
};

const killServer = (name: ServerName): Kind => ({
  name: `kill-${name}`,
  alone: true,
  play: async (scene) => {
    await someMembers(scene);
    for (let kills = 1 + scene.random.below(2); kills > 0; kills--) {
      await scene.pass(300, 2_000);
      await scene.servers.kill([name]);
      scene.injected++;
      await scene.servers.restore();
      await scene.progress();
    }
  },
});

/** Out of reach: connections are refused, or nothing answers on them. */
const awayFor =
  (names: readonly ServerName[], from: number, to: number): Kind['play'] =>
  async (scene) => {
    await someMembers(scene);
    await scene.pass(300, 2_000);
    if (scene.random.chance(0.5)) await scene.servers.kill(names);
    else scene.servers.pause(names);
    scene.injected++;
    await scene.pass(from, to);
    await scene.servers.restore();
    await scene.progress();
  };

const serverAway = (name: string, names: readonly ServerName[]): Kind => ({
  name,
  alone: true,
  play: awayFor(names, 2 * SESSION_MILLIS, 5 * SESSION_MILLIS),
});

/** Longer than the longest time-out there is: 60 seconds of a request to ClickHouse. */
const bothAwayLong: Kind = {
  name: 'both-away-long',
  alone: true,
  play: awayFor(BOTH, 62_000, 66_000),
};

const killEverything: Kind = {
  name: 'kill-everything',
  alone: true,
  play: async (scene) => {
    await someMembers(scene);
    await scene.pass(300, 2_500);
    const members = scene.fleet.members.map((member) => member.kill());
    await Promise.all([...members, scene.servers.kill(BOTH)]);
    scene.injected++;
    await scene.servers.restore();
    await scene.progress();
  },
};

/** A live source all of whose partitions have been read beyond their rules. */
const readSource = async (scene: Scene): Promise<RegisteredSource> => {
  await scene.progress();
  await scene.progress();
  const live = (await scene.sources()).filter(({ kind }) => kind === 'live');
  return scene.random.pick(live);
};

/** The owners stand still meanwhile, for shorter or longer than their session. */
const recreateTopic: Kind = {
  name: 'recreate-topic',
  alone: false,
  play: async (scene) => {
    await someMembers(scene);
    const { admin } = scene.pipeline;
    const source = await readSource(scene);
    const { topic } = source;
    await scene.feed.hold(async () => {
      for (const member of scene.fleet.members) member.pause();
      await scene.expectHalt('another-log', source);
      await admin.deleteTopics({ topics: [topic] });
      await waitFor('the topic is gone', async () => !(await admin.listTopics()).includes(topic));
      await openSource(scene.pipeline.tools, source);
      if (scene.random.chance(0.5)) await scene.feed.send(4_000);
    });
    scene.injected++;
    // A shorter stand-still may go unnoticed: docs/design.md, "What it assumes".
    await scene.pass(2_500, 3 * SESSION_MILLIS);
    for (const member of scene.fleet.members) member.resume();
    await scene.progress();
  },
};

/** Retention takes records that nobody has read: the owner stands still, or there is none. */
const loseRecords: Kind = {
  name: 'lose-records',
  alone: false,
  play: async (scene) => {
    const member = scene.fleet.join();
    await scene.ready(member);
    const { admin } = scene.pipeline;
    const source = await readSource(scene);
    const partition = scene.random.below(source.partitions);
    const isPaused = scene.random.chance(0.5);
    await scene.feed.hold(async () => {
      if (isPaused) member.pause();
      else {
        await scene.settled(); // what a stop leaves half stored would stay so
        await member.leave();
      }
      await scene.feed.send(400); // a fetch that is under way may still be answered with these
      await scene.pass(500, 800);
      await scene.feed.send(400);
      await scene.expectHalt('lost-records', source, (number) => number === partition);
      const ends = await admin.fetchTopicOffsets(source.topic);
      const high = Number(ends.find((end) => end.partition === partition)?.high);
      const offset = String(high - scene.random.below(3));
      await admin.deleteTopicRecords({ topic: source.topic, partitions: [{ partition, offset }] });
    });
    scene.injected++;
    if (isPaused) member.resume();
    else scene.fleet.join();
    await scene.progress();
  },
};

const KINDS: readonly Kind[] = [
  ...Object.keys(FAILPOINTS).map(failpointKind),
  killAtRandom,
  joinAndLeave,
  zombieAtRandom,
  zombieInFlush,
  killServer('kafka'),
  killServer('clickhouse'),
  serverAway('kafka-away', ['kafka']),
  serverAway('clickhouse-away', ['clickhouse']),
  serverAway('both-away', BOTH),
  killEverything,
  recreateTopic,
  loseRecords,
];

/** It takes a minute, so that few schedules are of this kind. */
const RARE = bothAwayLong;
const RARE_EVERY = 60;

export const kindOf = (seed: number): Kind =>
  (seed % RARE_EVERY === KINDS.length + 1 ? null : KINDS[seed % KINDS.length]) ?? RARE;

export const kindNamed = (name: string): Kind | undefined =>
  [...KINDS, RARE].find((kind) => kind.name === name);

export const KIND_NAMES: readonly string[] = [...KINDS, RARE].map(({ name }) => name);

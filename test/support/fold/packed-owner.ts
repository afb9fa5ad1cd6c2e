import { PACKED } from '../../../services/shared/usage-fold/packed/form.ts';
import { checkpointOf, resume } from '../../../services/shared/usage-fold/chunk.ts';
import { initialState } from '../../../services/shared/usage-fold/fold.ts';
import {
  RecordFolder,
  type FolderPorts,
  type MemoryBounds,
} from '../../../services/shared/usage-fold/record-folder.ts';
import { windowKey } from '../../../services/shared/usage-fold/window.ts';
import { succeed } from '../../../services/shared/model/result.ts';
import { knowledge } from './fixtures.ts';
import type { StoredWorld } from './stored-world.ts';

/** A folder of packed records that goes on from a world's checkpoint, and reads ids and windows from that world. */
export const folderOn = (
  world: StoredWorld,
  bounds: MemoryBounds,
  writing: Pick<FolderPorts, 'endHour' | 'store'>,
): RecordFolder => {
  const { checkpoint, place } = world;
  const resumed = checkpoint
    ? resume(place, checkpoint, world.openWindows(checkpoint.openHour), knowledge, PACKED)
    : succeed(initialState(place, 0, PACKED));
  if (!resumed.ok) throw new Error(resumed.error.message);
  const state = resumed.value;
  const tail = world.tail(checkpoint ?? checkpointOf(initialState(place, 0)));
  return new RecordFolder({ state, tail }, knowledge, bounds, {
    eventTables: (hours) =>
      Promise.resolve(new Map(hours.map((each) => [each, world.eventTable(each)]))),
    storedWindows: (hour, identities) => {
      const keys = new Set(identities.map(windowKey));
      const stored = world.openWindows(hour);
      return Promise.resolve(stored.filter((window) => keys.has(windowKey(window))));
    },
    ...writing,
  });
};

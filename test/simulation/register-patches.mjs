/**
 * Loaded before tsx, so that tsx asks these hooks for sources: patches of SIMULATION_PATCHES, a JSON
 * list of { file, find, replace }, are applied to the product's TypeScript as it is loaded.
 */
import { register } from 'node:module';

const root = new URL('../../', import.meta.url);
const byUrl = new Map();
for (const patch of JSON.parse(process.env.SIMULATION_PATCHES ?? '[]')) {
  const url = new URL(patch.file, root).href;
  byUrl.set(url, [...(byUrl.get(url) ?? []), patch]);
}
globalThis.patchesToApply = [...byUrl.keys()];
register('./patch-hooks.mjs', import.meta.url, { data: [...byUrl] });

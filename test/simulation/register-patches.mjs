/**
 * Loaded first in a simulating process: patches of SIMULATION_PATCHES, a JSON list of
 * { file, find, replace }, are applied to the product's TypeScript as its compiled module is loaded.
 */
import { register } from 'node:module';
import { pathToFileURL } from 'node:url';
import { compiledPath } from '../../services/shared/build/compile.mjs';

const root = new URL('../../', import.meta.url);
const byUrl = new Map();
for (const patch of JSON.parse(process.env.SIMULATION_PATCHES ?? '[]')) {
  const url = pathToFileURL(compiledPath(patch.file)).href;
  const source = new URL(patch.file, root).href;
  const known = byUrl.get(url)?.patches ?? [];
  byUrl.set(url, { source, patches: [...known, patch] });
}
globalThis.patchesToApply = [...byUrl.keys()];
register('./patch-hooks.mjs', import.meta.url, { data: [...byUrl] });

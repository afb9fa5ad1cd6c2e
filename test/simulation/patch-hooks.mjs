import { readFileSync } from 'node:fs';

/** Patches by the URL of their module. */
let patches = new Map();

export const initialize = (data) => {
  patches = new Map(data);
};

/** Gives the patched source to the next loader in the chain, which takes its types out. */
export const load = async (url, context, nextLoad) => {
  const own = patches.get(url);
  if (!own) return nextLoad(url, context);
  let source = readFileSync(new URL(url), 'utf8');
  for (const { find, replace } of own) {
    const parts = source.split(find);
    if (parts.length !== 2) {
      throw new Error(
        `a mutant does not apply: ${url} has ${parts.length - 1} of the text "${find}"; ` +
          'adapt it in test/simulation/mutants.ts',
      );
    }
    source = parts.join(replace);
  }
  source += `\n;(globalThis.patchedModules ??= new Set()).add(${JSON.stringify(url)});\n`;
  return { format: 'module', source, shortCircuit: true };
};

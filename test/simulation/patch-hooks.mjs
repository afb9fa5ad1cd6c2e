import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { compileText } from '../../services/shared/build/compile.mjs';

/** Patches by the URL of the compiled module: what to change in its TypeScript source. */
let patches = new Map();

export const initialize = (data) => {
  patches = new Map(data);
};

/** Compiles the patched source in place of what `dist/` holds. */
export const load = async (url, context, nextLoad) => {
  const own = patches.get(url);
  if (!own) return nextLoad(url, context);
  const path = fileURLToPath(own.source);
  let source = readFileSync(path, 'utf8');
  for (const { find, replace } of own.patches) {
    const parts = source.split(find);
    if (parts.length !== 2) {
      throw new Error(
        `a mutant does not apply: ${own.source} has ${parts.length - 1} of the text "${find}"; ` +
          'adapt it in test/simulation/mutants.ts',
      );
    }
    source = parts.join(replace);
  }
  source += `\n;(globalThis.patchedModules ??= new Set()).add(${JSON.stringify(url)});\n`;
  return { format: 'module', source: compileText(source, path).code, shortCircuit: true };
};

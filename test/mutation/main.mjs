#!/usr/bin/env node
/**
 * Makes every small mistake that Stryker knows in the code of targets.mjs, and says which of them no
 * test notices: see docs/mutation.md.
 */
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Stryker } from '@stryker-mutator/core';
import { forgetSurvivors, printScores } from './results.mjs';
import { sandboxes, settingsFor } from './settings.mjs';
import { targets } from './targets.mjs';

const HELP = `usage: npm run test:mutation -- FOLDER|FILE…

Walks what the folders and files given hold of these:
${targets.flatMap(({ files }) => files.map((file) => `  ${file}`)).join('\n')}

  --all      walk all of them (hours)
  --scores   only print the scores of the last runs
  --help     print this`;

const sourcesIn = (path) =>
  statSync(path).isFile()
    ? [path]
    : readdirSync(path, { recursive: true })
        .map((name) => join(path, name))
        .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'));

const isIn = (path) => {
  const wanted = join(path).replace(/\/$/, '');
  return (file) => file === wanted || file.startsWith(`${wanted}/`);
};

const main = async (paths) => {
  if (paths.includes('--help') || paths.length === 0) return console.log(HELP);
  if (paths.includes('--scores')) return printScores();
  const isWanted = (file) => paths.includes('--all') || paths.some((path) => isIn(path)(file));
  const walks = targets
    .map(({ name, files }) => ({ name, mutate: files.flatMap(sourcesIn).filter(isWanted) }))
    .filter(({ mutate }) => mutate.length > 0);
  if (walks.length === 0) {
    throw new Error(`Nothing that is walked is in ${paths.join(', ')}: see --help`);
  }
  rmSync(sandboxes, { recursive: true, force: true }); // of a run that was killed
  for (const { name, mutate } of walks) {
    process.env.MUTATION_TARGET = name; // read by jest.config.mjs, in a process of its own
    forgetSurvivors(name);
    await new Stryker({ ...settingsFor(name), mutate }).runMutationTest();
  }
  printScores();
};

await main(process.argv.slice(2)).catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});

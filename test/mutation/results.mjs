import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { targets } from './targets.mjs';

export const directory = '.local/mutation';
/** What the last run of a target found; the next one walks again what has changed since. */
export const fileOf = (name) => `${directory}/${name.replaceAll('/', '-')}.json`;

const NOTICED = ['Killed', 'Timeout'];
const UNNOTICED = ['Survived', 'NoCoverage'];

const mutantsOf = (results) => Object.values(results.files).flatMap((file) => file.mutants);

/**
 * Has what survived walked again: Stryker does not see that a new test may notice a mistake in a
 * constant.
 */
export const forgetSurvivors = (name) => {
  if (!existsSync(fileOf(name))) return;
  const results = JSON.parse(readFileSync(fileOf(name), 'utf8'));
  for (const file of Object.values(results.files)) {
    file.mutants = file.mutants.filter(({ status }) => !UNNOTICED.includes(status));
  }
  writeFileSync(fileOf(name), JSON.stringify(results));
};

/** Prints, as a Markdown table, what the last run of each target found. */
export const printScores = () => {
  console.log('\n| Folder | Mistakes | Noticed | Score |\n| --- | ---: | ---: | ---: |');
  for (const { name } of targets) {
    if (!existsSync(fileOf(name))) continue;
    const mutants = mutantsOf(JSON.parse(readFileSync(fileOf(name), 'utf8')));
    const count = (states) => mutants.filter(({ status }) => states.includes(status)).length;
    const noticed = count(NOTICED);
    const all = noticed + count(UNNOTICED);
    const score = ((100 * noticed) / all).toFixed(1);
    console.log(`| \`services/${name}\` | ${all} | ${noticed} | ${score} % |`);
  }
};

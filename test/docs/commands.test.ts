import { expect, test } from '@jest/globals';
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { completeProgram } from '../../services/cli/program.ts';
import { inRepository } from '../../services/shared/process/repository.ts';
import { documentAt, filesOf } from './markdown.ts';

const PAGES = filesOf('*.md')
  .filter((path) => existsSync(inRepository(path)))
  .map(documentAt);

/** What follows `usagectl` in a line of code, up to a comment, a pipe or another command. */
const mentionsIn = (text: string): readonly string[] => {
  const fences = [...text.matchAll(/^ *```\w*\n([^]*?)^ *```$/gm)].map(([, code = '']) => code);
  const spans = [...text.replace(/^ *```[^]*?^ *```$/gm, '').matchAll(/`([^`]+)`/g)].map(
    ([, code = '']) => code,
  );
  return [...fences.flatMap((code) => code.split('\n')), ...spans].flatMap((line) =>
    [...line.matchAll(/(?:^|\s)usagectl((?: +(?:"[^"]*"|[^\s#|;&)]+))*)/g)].map(
      ([, rest = '']) => rest,
    ),
  );
};

/** Why a line cannot be called so; null where it can. Values are not looked at. */
const problemWith = (program: Command, line: string): string | null => {
  const words = line.match(/"[^"]*"|\S+/g) ?? [];
  const named = [...words];
  let command = program;
  while (named[0] !== undefined && !named[0].startsWith('-')) {
    const next = command.commands.find((each) => each.name() === named[0]);
    if (next === undefined) break;
    command = next;
    named.shift();
  }
  const [first] = named;
  if (command.commands.length > 0 && first !== undefined && /^[a-z]/.test(first)) {
    return `there is no command "${first}"`;
  }
  const known = [...command.options, ...program.options].map(({ long }) => long);
  const unknown = words.find(
    (word) => word.startsWith('--') && word !== '--help' && !known.includes(word),
  );
  return unknown === undefined ? null : `${command.name()} has no option ${unknown}`;
};

test('every command of usagectl that a page names exists, with its options', async () => {
  const program = await completeProgram();
  const mentions = PAGES.flatMap(({ path, text }) =>
    mentionsIn(text).map((line) => ({ path, line })),
  );
  expect(mentions.length).toBeGreaterThan(50);
  const broken = mentions.flatMap(({ path, line }) => {
    const problem = problemWith(program, line);
    return problem === null ? [] : [`${path}: usagectl${line}: ${problem}`];
  });
  expect(broken).toEqual([]);
});

import type { Command } from 'commander';
import { EXIT } from '../../services/cli/exit-code.ts';
import { completeProgram } from '../../services/cli/program.ts';
import { documentAt, filesOf } from './markdown.ts';
import { settingsOfCode } from './settings-of-code.ts';

const textOf = (path: string): string => documentAt(path).text;

const OPERATIONS = textOf('docs/operations.md');
const ALL_DOCS = [
  'README.md',
  ...filesOf('docs').filter((path) => path.endsWith('.md') && !path.endsWith('status.md')),
].map(documentAt);

/** The rows of every table whose first column has this heading, as cells. */
const rowsUnder = (heading: string): readonly (readonly string[])[] => {
  const tables = OPERATIONS.split(/\n\n/).filter((block) => block.startsWith(`| ${heading} `));
  expect(tables.length).toBeGreaterThan(0);
  return tables.flatMap((table) =>
    table
      .trimEnd()
      .split('\n')
      .slice(2)
      .map((row) => row.split('|').slice(1, -1)),
  );
};

const codeIn = (text: string): readonly string[] =>
  [...text.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);

test('every setting that a service or a command reads stands in the docs, and no other', () => {
  expect(settingsOfCode.size).toBeGreaterThan(40);
  const documented = new Set(rowsUnder('Variable').flatMap(([names = '']) => codeIn(names)));
  expect([...documented].sort()).toEqual([...settingsOfCode].sort());
});

test('what the docs call a setting anywhere is one', () => {
  const prefixes = new Set([...settingsOfCode].map((name) => name.split('_')[0] ?? ''));
  const named = ALL_DOCS.flatMap(({ path, text }) =>
    (text.match(/\b[A-Z][A-Z0-9]*(_[A-Z0-9]+)+\b/g) ?? [])
      // Errors of Kafka look like settings.
      .filter((name) => prefixes.has(name.split('_')[0] ?? '') && !/_(ERROR|FAILED)$/.test(name))
      .map((name) => ({ path, name })),
  );
  expect(named.filter(({ name }) => !settingsOfCode.has(name))).toEqual([]);
});

/** The command that words begin with, as deep as they name one. */
const resolve = (program: Command, words: readonly string[]): Command => {
  const [word, ...rest] = words;
  const inner = program.commands.find((command) => command.name() === word);
  return inner ? resolve(inner, rest) : program;
};

const pathOf = (command: Command): string =>
  command.parent ? `${pathOf(command.parent)} ${command.name()}`.trim() : '';

/** Commands that do something: those without others below them, and those with options of their own. */
const doersOf = (command: Command): readonly Command[] => [
  ...(command.commands.length === 0 || (command.parent && command.options.length > 0)
    ? [command]
    : []),
  ...command.commands.flatMap(doersOf),
];

test('every command of usagectl stands in the docs, and no other', async () => {
  const program = await completeProgram();
  const commands = doersOf(program)
    .map(pathOf)
    .filter((path) => path !== 'help');
  const documented = rowsUnder('Command').flatMap(([names = '']) =>
    codeIn(names).map((code) => {
      const words = code.split(' ');
      const found = resolve(program, words);
      return doersOf(found).includes(found) ? pathOf(found) : code;
    }),
  );
  expect(documented.toSorted()).toEqual(commands.toSorted());
});

test('every exit code of usagectl stands in the docs, and no other', () => {
  const documented = rowsUnder('Exit code').map(([code = '']) => Number(code));
  expect(documented).toEqual([0, ...Object.values(EXIT)]);
});

test('no command ends with an exit code of its own', () => {
  const numbers = filesOf('services/cli')
    .filter((path) => /\.(ts|mjs)$/.test(path) && !path.endsWith('.test.ts'))
    .flatMap((path) =>
      [...textOf(path).matchAll(/process\.exit(?:Code = |\()(\d+)/g)].map(([, code]) =>
        Number(code),
      ),
    );
  expect(numbers.filter((code) => !(Object.values(EXIT) as number[]).includes(code))).toEqual([]);
});

import { jest } from '@jest/globals';
import type { Command } from 'commander';
import { completeProgram, usagectl } from './program.ts';

const paths = (command: Command, above: readonly string[] = []): readonly string[] =>
  command.commands.length === 0
    ? [[...above, command.name()].join(' ')]
    : command.commands.flatMap((inner) => paths(inner, [...above, command.name()]));

test('no command is loaded before it is called', () => {
  expect(usagectl().commands.flatMap(({ options }) => options)).toEqual([]);
});

test('help of a command within a command is the complete one', async () => {
  const write = jest.spyOn(process.stdout, 'write').mockReturnValue(true);
  try {
    await usagectl().parseAsync(['help', 'loss', 'show'], { from: 'user' });
    expect(write.mock.calls.join('')).toContain('Usage: usagectl loss show [options] [topic]');
  } finally {
    write.mockRestore();
  }
});

test('every command is complete', async () => {
  const all = paths(await completeProgram());
  expect(all.length).toBeGreaterThan(20);
  expect(all).toEqual(expect.arrayContaining(['usagectl audit', 'usagectl dlq redrive']));
});

test('a refused value is named in one sentence, of any command', async () => {
  const write = jest.spyOn(process.stderr, 'write').mockReturnValue(true);
  const exit = jest.spyOn(process, 'exit').mockImplementation((code) => {
    throw new Error(`exit code ${String(code)}`);
  });
  try {
    const words = ['resources', 'create', 'vm', '--subscription', 'x'];
    await expect(usagectl().parseAsync(words, { from: 'user' })).rejects.toThrow('exit code 1');
    expect(write.mock.calls.join('')).toContain(
      "error: option '--subscription <id>' argument 'x' is invalid: it must be an id",
    );
  } finally {
    write.mockRestore();
    exit.mockRestore();
  }
});

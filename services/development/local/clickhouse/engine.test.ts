import { literal, setStatement, type Execution } from './engine.ts';

const execution: Execution = {
  sql: 'SELECT 1',
  format: 'JSON',
  readonly: '0',
  database: null,
  settings: {},
  params: {},
};

test('a literal is quoted', () => {
  expect(literal("it's \\ here")).toBe("'it\\'s \\\\ here'");
});

test('a session needs no SET where nothing is asked', () => {
  expect(setStatement(execution)).toBeNull();
});

test('settings and parameters are set in one statement, readonly last', () => {
  expect(
    setStatement({
      ...execution,
      readonly: '2',
      settings: { max_threads: '1', 'a`b': "c'd" },
      params: { x: '1\\n' },
    }),
  ).toBe("SET `max_threads` = '1', `a\\`b` = 'c\\'d', `param_x` = '1\\\\n', `readonly` = '2'");
});

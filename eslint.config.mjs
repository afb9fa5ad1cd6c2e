import tseslint from 'typescript-eslint';

/** Times are read in one room and written in another, and never in the zone of the machine. */
const MAKING_DATES = {
  selector: "NewExpression[callee.name='Date'], CallExpression[callee.name='Date']",
  message:
    'Instants are Millis (Date.now()); time-text.ts reads them from text, isoText writes them.',
};
const IN_THE_ZONE_OF_THE_MACHINE = [
  {
    selector:
      'MemberExpression > Identifier.property[name=/^([gs]et(FullYear|Year|Month|Date|Day|Hours|Minutes|Seconds|Milliseconds)|getTimezoneOffset|to(Date|Time)String|toLocale(Date|Time)String)$/]',
    message: 'This is in the zone of the machine: all times are in UTC.',
  },
  {
    selector: "MemberExpression[object.name='Intl'][property.name='DateTimeFormat']",
    message: 'This is in the zone of the machine: all times are in UTC.',
  },
];
/** One way for each, so that nobody looks for a difference (docs/style.md, "Words"). */
const ONE_WAY = [
  { selector: 'PrivateIdentifier', message: 'Write "private" instead of "#".' },
  {
    selector: 'VariableDeclarator[id.name=/^(?!read).*Config$/][init.type=/Function/]',
    message: 'A function that reads settings is called "read...Config".',
  },
];
const NO_DATE_PARSE = {
  object: 'Date',
  property: 'parse',
  message: 'Times are read by services/shared/model/time-text.ts alone.',
};

export default tseslint.config(
  { ignores: ['node_modules/', 'dist/', '.local/', 'coverage/', 'samples/'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      // Index signatures of environments and headers are read with brackets, as data, not as members.
      '@typescript-eslint/dot-notation': 'off',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_' },
      ],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      'no-console': 'error',
      '@typescript-eslint/prefer-nullish-coalescing': [
        'error',
        { ignorePrimitives: { string: true } },
      ],
      eqeqeq: ['error', 'always', { null: 'ignore' }],
    },
  },
  {
    // Every listener refuses foreign hosts, origins and sites: `guardedServer` makes them.
    files: ['services/**/*.ts'],
    ignores: ['services/shared/http/guarded-server.ts'],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          paths: [
            {
              name: 'fastify',
              allowTypeImports: true,
              message: 'Make the server with guardedServer of services/shared/http.',
            },
          ],
        },
      ],
    },
  },
  {
    // A function fits on a screen, and a file is about one thing. Not in tests: their tables of cases are long.
    files: ['{services,schemas}/**/*.{ts,mjs}'],
    ignores: ['**/*.test.ts'],
    rules: {
      'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }],
      'max-lines': ['error', { max: 300, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    files: ['**/*.{ts,mjs}'],
    rules: {
      'no-restricted-properties': ['error', NO_DATE_PARSE],
      'no-restricted-syntax': ['error', MAKING_DATES, ...IN_THE_ZONE_OF_THE_MACHINE, ...ONE_WAY],
    },
  },
  {
    // The rooms in which times are made and read.
    files: ['services/shared/model/time.ts', 'services/shared/model/time-text.ts'],
    rules: { 'no-restricted-syntax': ['error', ...IN_THE_ZONE_OF_THE_MACHINE, ...ONE_WAY] },
  },
  {
    // What runs at a terminal prints there.
    files: ['services/cli/**', 'services/development/local/**', 'schemas/check.ts', 'test/**'],
    rules: { 'no-console': 'off' },
  },
  {
    // Names and messages of others must not steer a terminal: see `services/cli/print.ts`.
    files: ['services/cli/**'],
    ignores: ['services/cli/print.ts', '**/*.test.ts'],
    rules: {
      'no-console': 'error',
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'stdout', message: 'Use print or printJson.' },
      ],
    },
  },
);

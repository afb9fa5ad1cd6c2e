/** The import rules of the repository: see docs/architecture.md, "Where things may be imported". */
const TESTS = '\\.test\\.ts$';
const IO = [
  '^services/shared/(kafka|clickhouse|process|http)/',
  'node_modules/(kafkajs|@clickhouse|pino|fastify|classic-level)/',
  '^(node:)?(fs|fs/promises|net|http|https|child_process|os)$',
];

/** A rule: nothing in `from` imports `to`. Tests may import more than what they test. */
const never = (name, comment, from, to) => ({
  name,
  comment,
  severity: 'error',
  from: { path: from, pathNot: TESTS },
  to,
});

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'A cycle makes it impossible to understand one file after another.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    never(
      'services-stand-alone',
      'What runs in production imports services/shared and schemas, never another service.',
      '^services/(aggregator|bridge|usage-api)/',
      { path: '^services/', pathNot: '^services/(shared|$1)/' },
    ),
    never(
      'provider-sdk-stands-alone',
      'It runs in services of others: it knows no more than it needs.',
      '^services/provider-sdk/',
      { path: '^services/', pathNot: '^services/(shared|provider-sdk)/' },
    ),
    never(
      'operations-call-no-service',
      'What an operator can do works on the log and the tables, not through the services.',
      '^services/operations/',
      { path: '^services/', pathNot: '^services/(shared|operations|provider-sdk)/' },
    ),
    never(
      'command-line-starts-no-service',
      'The command line parses, calls operations and prints. It may simulate a cloud.',
      '^services/cli/',
      {
        path: '^services/',
        pathNot: '^services/(shared|operations|cli|provider-sdk|development/simulated-cloud)/',
      },
    ),
    never(
      'development-starts-processes',
      'Stand-ins start services and usagectl as processes.',
      '^services/development/',
      { path: '^services/', pathNot: '^services/(shared|operations|provider-sdk|development)/' },
    ),
    never(
      'stand-ins-stand-alone',
      'Each stand-in could be replaced by the real thing.',
      '^services/development/(commerce|providers|local)/',
      { path: '^services/development/', pathNot: '^services/development/($1|simulated-cloud)/' },
    ),
    never('shared-knows-no-other-room', '', '^services/shared/', {
      path: '^services/(?!shared/)',
    }),
    never(
      'model-is-pure',
      'What a record, a place, a time and a quantity are: no client, no file, no clock, and no other room.',
      '^services/shared/model/',
      { path: ['^services/(?!shared/model/)', ...IO] },
    ),
    never(
      'usage-fold-is-pure',
      'The fold is a function of the log: no client, no file, no clock. It knows the model and the codecs.',
      '^services/shared/usage-fold/',
      { path: ['^services/(?!shared/(model|avro|usage-fold)/)', ...IO] },
    ),
    never('bridge-fold-is-pure', 'As the fold of usage.', '^services/bridge/fold/', {
      path: ['^services/bridge/(?!fold/)', ...IO],
    }),
    never(
      'repair-judges-by-the-fold',
      'What checks rows must not be what repairs them: the audit would agree with itself.',
      '^services/(operations/(rebuild|losses)|cli/(show|commands)/rebuild\\.ts$)',
      { path: '^services/operations/audit/', reachable: true },
    ),
    never(
      'audit-stands-apart',
      'The audit recounts with code of its own: a mistake in how records are judged, counted or stored must ' +
        'not be made twice.',
      '^services/(operations/audit|cli/(show|commands)/audit\\.ts$)',
      {
        path: [
          '^services/shared/usage-(fold|store)/',
          '^services/operations/(rebuild|losses|dead-letters)/',
          '^services/shared/model/usage-event-problem\\.ts$',
          '^services/shared/avro/usage-event-codec\\.ts$',
          '^services/shared/billing/(reconcile|billing-sides)\\.ts$',
        ],
      },
    ),
    never(
      'kafkajs-stays-in-its-room',
      'Another client could take its place.',
      '^services/(?!shared/kafka/)',
      { path: 'node_modules/kafkajs/' },
    ),
    never('code-knows-no-test', '', '^(services|schemas)/', {
      path: ['^test/', TESTS, 'node_modules/(fast-check|@jest)/'],
    }),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.mjs', '.js'] },
  },
};

/** The arrows of ARCHITECTURE.md, enforced. */
const pure = ['contracts', 'onnx', 'tabular'];
/** Feature -> features it may import, at their index.ts only. */
const features = {
  platform: [],
  tenant: ['platform'],
  scenario: ['platform', 'tenant'],
  usage: ['platform', 'tenant', 'scenario'],
  registry: ['platform', 'tenant', 'scenario'],
  dataset: ['platform', 'tenant', 'scenario', 'usage', 'registry'],
  training: ['platform', 'tenant', 'scenario', 'usage', 'registry', 'dataset'],
  deployment: ['platform', 'tenant', 'scenario', 'usage', 'registry', 'dataset', 'training'],
  inference: ['platform', 'tenant', 'scenario', 'usage', 'registry', 'dataset', 'training', 'deployment'],
  feedback: [
    'platform',
    'tenant',
    'scenario',
    'usage',
    'registry',
    'dataset',
    'training',
    'deployment',
    'inference',
  ],
  billing: ['platform', 'tenant', 'usage'],
};
const names = Object.keys(features);
const test = '\\.test\\.ts$|/testing/';
const from = (path) => ({ path, pathNot: test });

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    ...pure.map((name) => ({
      name: `${name}-is-pure`,
      severity: 'error',
      comment: `${name} imports nothing else of ours`,
      from: from(`^${name}/`),
      to: { path: '^(contracts|onnx|tabular|src|gpu-worker|migrations)/', pathNot: `^${name}/` },
    })),
    {
      name: 'worker-knows-no-gateway',
      severity: 'error',
      from: from('^gpu-worker/'),
      to: { path: '^(src|migrations)/' },
    },
    { name: 'gateway-knows-no-worker', severity: 'error', from: from('^src/'), to: { path: '^gpu-worker/' } },
    ...names
      .filter((name) => name !== 'platform')
      .map((name) => ({
        name: `${name}-arrows`,
        severity: 'error',
        from: from(`^src/${name}/`),
        to: {
          path: `^src/(${names.filter((other) => other !== name && !features[name].includes(other)).join('|')})/`,
        },
      })),
    {
      name: 'platform-knows-no-feature',
      severity: 'error',
      from: from('^src/platform/'),
      to: { path: `^src/(${names.filter((name) => name !== 'platform').join('|')}|api|embedded)/` },
    },
    ...names
      .filter((name) => name !== 'platform')
      .map((name) => ({
        name: `${name}-has-one-face`,
        severity: 'error',
        comment: 'features meet at index.ts',
        from: { path: '^src/', pathNot: `^src/${name}/|${test}` },
        to: { path: `^src/${name}/`, pathNot: `^src/${name}/index\\.ts$` },
      })),
    {
      name: 'one-door-nats',
      severity: 'error',
      from: {
        path: '.',
        pathNot: `^src/platform/messaging/|^gpu-worker/(consume|control/)|^test/|^bench/|${test}`,
      },
      to: { path: 'node_modules/nats/' },
    },
    {
      name: 'one-door-onnxruntime',
      severity: 'error',
      from: {
        path: '.',
        pathNot: `^src/inference/|^gpu-worker/engine/onnxruntime\\.ts$|^test/|^bench/|${test}`,
      },
      to: { path: 'node_modules/onnxruntime-node/' },
    },
    {
      name: 'graphql-only-in-resolvers',
      severity: 'error',
      comment: 'services and entities never import GraphQL',
      from: { path: '^src/.*\\.(service|entity)\\.ts$' },
      to: { path: 'node_modules/(graphql|type-graphql)/' },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.test.json' },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^dist/' },
  },
};

// One training for each kind of network on every engine: the same data, spec and seed, by source in jest and by dist/ here.
// Run as a script: `contract.cjs <engine> <device> [spec]` prints what each model answers, as JSON.
const wave = (count, speed) => Array.from({ length: count }, (_, at) => Math.sin(speed * at));
const ROWS = 240;
const SIDE = 6;
const HOUR = 3_600_000_000;

/** Two number columns, a category, an hour, words and a picture; the target depends on the first three. */
const table = () => {
  const a = Float64Array.from(wave(ROWS, 1.7));
  const b = Float64Array.from(wave(ROWS, 0.31));
  const codes = Int32Array.from({ length: ROWS }, (_, row) => (row * 7) % 3);
  const specOf = (name, type) => ({ v: 1, name, type, missing: [] });
  const column = (name, kind, values) => ({ spec: specOf(name, kind), kind, values });
  const coded = (name, kind, dictionary) => ({ spec: specOf(name, kind), kind, codes, dictionary });
  const size = { height: SIDE, width: SIDE, channels: 1 };
  return {
    rows: ROWS,
    holdout: new Uint8Array(ROWS),
    columns: [
      column('a', 'number', a),
      column('b', 'number', b),
      coded('c', 'category', ['x', 'y', 'z']),
      column(
        'y',
        'number',
        Float64Array.from({ length: ROWS }, (_, row) => 3 * a[row] - b[row] ** 2 + codes[row]),
      ),
      column(
        'at',
        'time',
        Float64Array.from({ length: ROWS }, (_, row) => row * HOUR),
      ),
      coded('words', 'text', ['a good piece', 'another piece', 'a poor one']),
    ],
    images: [
      {
        spec: { ...specOf('picture', 'image'), image: size },
        size,
        pixels: Uint8Array.from({ length: ROWS * SIDE ** 2 }, (_, at) => {
          const row = Math.floor(at / SIDE ** 2);
          return 128 + 60 * a[row] * Math.sin(at % SIDE) + ((at * 29) % 60);
        }),
      },
    ],
  };
};

const short = { epochs: 3, batchSize: 40, learningRate: 0.01 };
/** TensorFlow.js on the cpu takes a second for a step of these. */
const shorter = { ...short, epochs: 2 };
/** Long enough to be halved, and for more steps than a shader of WebGPU has buffers. */
const window = { length: 12, order: 'at' };
const encoder = { family: 'transformer', width: 8, heads: 2, layers: 1, feedForward: 16 };
const specs = {
  mlp: { family: 'mlp', hidden: [16, 8], ...short },
  'mlp with dropout and a penalty': { family: 'mlp', hidden: [16], dropout: 0.2, l2: 0.001, ...short },
  'mlp of tanh on piecewise features': {
    family: 'mlp',
    hidden: [8],
    activation: 'tanh',
    numeric: 'piecewise',
    bins: 4,
    ...short,
  },
  'mlp of two members with gelu': { family: 'mlp', hidden: [8], activation: 'gelu', members: 2, ...short },
  'mlp of shared members, embedded and normalised': {
    family: 'mlp',
    hidden: [16, 16],
    residual: true,
    normalization: 'layer',
    embedding: 'linear',
    embeddingSize: 4,
    categoryEmbedding: 2,
    sharedMembers: 4,
    optimizer: 'adamW',
    weightDecay: 0.01,
    ...short,
  },
  'mlp of periodic numbers': {
    family: 'mlp',
    hidden: [8],
    embedding: 'periodic',
    embeddingSize: 4,
    frequencies: 4,
    ...short,
  },
  'mlp by sgd': { family: 'mlp', hidden: [8], optimizer: 'sgd', clipNorm: 1, schedule: 'cosine', ...short },
  'pictures, words and a table': { family: 'fusion', width: 8, image: { filters: [2] }, ...shorter },
  'convolutions of pictures': { family: 'cnn', filters: [2, 4], hidden: [8], ...shorter },
  'convolutions of windows': { family: 'cnn', filters: [4], hidden: [8], window, ...shorter },
  gru: { family: 'rnn', hidden: 8, window, ...shorter },
  lstm: { family: 'rnn', cell: 'lstm', hidden: 8, window, ...shorter },
  'attention to windows': { ...encoder, patch: 2, stride: 1, window, ...shorter },
  'attention to words': { ...encoder, tokens: 4, ...shorter },
  autoencoder: { family: 'autoencoder', hidden: [8], code: 2, ...short },
};
const TASKS = { autoencoder: 'anomaly' };
const READ = { 'attention to words': ['words'], 'pictures, words and a table': ['a', 'b', 'c', 'words'] };

/** `parts`: the modules that train. Answers of every model for the first rows, by name of the spec. */
const answers = async (parts, engine, some = specs) => {
  const { ModelSpec, trainConcrete, Assembly, fitTarget } = parts;
  const signal = new AbortController().signal;
  const rows = (from, to) => Int32Array.from({ length: to - from }, (_, at) => from + at);
  const data = table();
  const [training, validation] = [rows(0, 200), rows(200, ROWS)];
  const value = fitTarget(data.columns[3], 'regression', { training, validation });
  const holdout = { kind: 'hash', salt: 's', fraction: 0 };
  const found = {};
  for (const [name, spec] of Object.entries(some)) {
    const task = TASKS[spec.family];
    const target = task === undefined ? value : { task, labels: null };
    const read = READ[name] ?? ['a', 'b', 'c'];
    const columns = data.columns.filter((column) => read.includes(column.spec.name));
    const assembly = new Assembly({ table: data, columns, target, holdout, signal }, training, validation);
    const context = { seed: 5, engine, signal, progress: () => undefined };
    const trained = await trainConcrete(ModelSpec.parse(spec), assembly, context);
    found[name] = [...(await trained.predict(rows(0, 20), signal))];
  }
  return found;
};

module.exports = { answers, specs };

if (require.main === module) {
  const [, , name, device, only] = process.argv;
  const dist = (path) => require(`../../dist/${path}.js`);
  const parts = {
    ...dist('contracts/index'),
    ...dist('gpu-worker/family/concrete'),
    ...dist('gpu-worker/train/assemble'),
    ...dist('gpu-worker/prepare/target'),
  };
  const { chooseEngine } = dist('gpu-worker/engine/engine');
  const run = async () => answers(parts, await chooseEngine(device, name), only && { [only]: specs[only] });
  run().then(
    (found) => process.stdout.write(JSON.stringify(found)),
    (error) => {
      process.stderr.write(`${error.code ?? ''} ${error.message} ${error.cause?.message ?? ''}\n`);
      process.exitCode = 1;
    },
  );
}

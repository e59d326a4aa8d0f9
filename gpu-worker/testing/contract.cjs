// One training for each family on every engine: the same data, spec and seed, by source in jest and by dist/ here.
// Run as a script: `contract.cjs <engine> <device>` prints what each model answers, as JSON.
const wave = (count, speed) => Array.from({ length: count }, (_, at) => Math.sin(speed * at));
const ROWS = 240;

/** Two number columns and a category; the target depends on all. */
const table = () => {
  const a = Float64Array.from(wave(ROWS, 1.7));
  const b = Float64Array.from(wave(ROWS, 0.31));
  const codes = Int32Array.from({ length: ROWS }, (_, row) => (row * 7) % 3);
  const column = (name, values) => ({
    spec: { v: 1, name, type: 'number', missing: [] },
    kind: 'number',
    values,
  });
  return {
    rows: ROWS,
    holdout: new Uint8Array(ROWS),
    columns: [
      column('a', a),
      column('b', b),
      {
        spec: { v: 1, name: 'c', type: 'category', missing: [] },
        kind: 'category',
        codes,
        dictionary: ['x', 'y', 'z'],
      },
      column(
        'y',
        Float64Array.from({ length: ROWS }, (_, row) => 3 * a[row] - b[row] ** 2 + codes[row]),
      ),
    ],
  };
};

const short = { epochs: 3, batchSize: 32, learningRate: 0.01 };
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
};

/** `parts`: the modules that train. Answers of every model for the first rows, by name of the spec. */
const answers = async (parts, engine) => {
  const { ModelSpec, trainConcrete, Assembly, featureColumns, fitTarget } = parts;
  const signal = new AbortController().signal;
  const rows = (from, to) => Int32Array.from({ length: to - from }, (_, at) => from + at);
  const data = table();
  const target = fitTarget(data.columns[3], 'regression', {
    training: rows(0, 200),
    validation: rows(200, ROWS),
  });
  const holdout = { kind: 'hash', salt: 's', fraction: 0 };
  const columns = featureColumns(data, { target: 'y', exclude: [] });
  const found = {};
  for (const [name, spec] of Object.entries(specs)) {
    const assembly = new Assembly(
      { table: data, columns, target, holdout, signal },
      rows(0, 200),
      rows(200, ROWS),
    );
    const context = { seed: 5, engine, signal, progress: () => undefined };
    const trained = await trainConcrete(ModelSpec.parse(spec), assembly, context);
    found[name] = [...(await trained.predict(rows(0, 20), signal))];
  }
  return found;
};

module.exports = { answers, specs };

if (require.main === module) {
  const [, , name, device] = process.argv;
  const dist = (path) => require(`../../dist/${path}.js`);
  const parts = {
    ...dist('contracts/index'),
    ...dist('gpu-worker/family/concrete'),
    ...dist('gpu-worker/train/assemble'),
    ...dist('gpu-worker/prepare/target'),
  };
  const { chooseEngine } = dist('gpu-worker/engine/engine');
  chooseEngine(device, name)
    .then((engine) => answers(parts, engine))
    .then(
      (found) => process.stdout.write(JSON.stringify(found)),
      (error) => {
        process.stderr.write(`${error.code ?? ''} ${error.message} ${error.cause?.message ?? ''}\n`);
        process.exitCode = 1;
      },
    );
}

// A training with one matrix of 1.2 GiB on a device, or with `validation` a graph beside it: says how it ended.
const dist = (path) => require(`../../dist/${path}.js`);
const { compileTraining, input, modelBytes, op, sgd } = dist('onnx/index');
const { openGraph, openTraining } = dist('gpu-worker/engine/engine');
const { float32, int32 } = dist('gpu-worker/engine/onnxruntime');

const [ROWS, COLUMNS] = [16_384, 20_000];
const compiled = compileTraining({
  parameters: { kernel: [ROWS, COLUMNS] },
  columns: { x: { dtype: 'float32', dims: [ROWS] } },
  batchSize: 1,
  optimizer: sgd(),
  build: ({ weights, batch }) => ({ loss: op.ReduceMean(op.MatMul(batch.x, weights.kernel)) }),
});

const engine = { name: 'onnxruntime', device: process.argv[2], version: '' };

const train = async () => {
  const session = await openTraining(engine, compiled);
  const state = compiled.state.map(({ input, dims }) => [
    input,
    float32(new Float32Array(ROWS * COLUMNS), dims),
  ]);
  const rates = Object.entries(compiled.coefficients(0, 1, 0.01)).map(([name, values]) => [
    name,
    float32(values, [1]),
  ]);
  await session.run({
    x: float32(new Float32Array(ROWS), [1, ROWS]),
    [compiled.index]: int32(Int32Array.of(0), [1, 1]),
    ...Object.fromEntries([...state, ...rates]),
  });
};
const validate = async () => {
  const [x, kernel] = [input('x', 'float32', [1, ROWS]), input('kernel', 'float32', [ROWS, COLUMNS])];
  const bytes = modelBytes({ name: 'big', inputs: [x, kernel], outputs: { y: op.MatMul(x, kernel) } });
  const session = await openGraph(engine, bytes);
  const big = float32(new Float32Array(ROWS * COLUMNS), [ROWS, COLUMNS]);
  await session.run({ x: float32(new Float32Array(ROWS), [1, ROWS]), kernel: big });
};
(process.argv[3] === 'validation' ? validate : train)().then(
  () => process.stdout.write('trained\n'),
  (error) => process.stdout.write(`${error.code}: ${error.message} ${error.hint}\n`),
);

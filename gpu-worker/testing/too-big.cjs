// A training with one matrix of 1.2 GiB on a device: says how it ended.
const dist = (path) => require(`../../dist/${path}.js`);
const { compileTraining, op, sgd } = dist('onnx/index');
const { openTraining } = dist('gpu-worker/engine/engine');
const { float32, int32 } = dist('gpu-worker/engine/onnxruntime');

const [ROWS, COLUMNS] = [16_384, 20_000];
const compiled = compileTraining({
  parameters: { kernel: [ROWS, COLUMNS] },
  columns: { x: { dtype: 'float32', dims: [ROWS] } },
  batchSize: 1,
  optimizer: sgd(),
  build: ({ weights, batch }) => ({ loss: op.ReduceMean(op.MatMul(batch.x, weights.kernel)) }),
});

const train = async () => {
  const session = await openTraining({ name: 'onnxruntime', device: process.argv[2], version: '' }, compiled);
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
train().then(
  () => process.stdout.write('trained\n'),
  (error) => process.stdout.write(`${error.code}: ${error.message} ${error.hint}\n`),
);

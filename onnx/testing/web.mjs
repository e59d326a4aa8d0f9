/**
 * Runs models in onnxruntime-web (WebAssembly), in a process of its own: its loader needs real dynamic imports.
 * argv[2]: a JSON file [{ file, feeds: [{ name, type, dims, data }] }]; prints a JSON list of { outputs } or { error }.
 */
import { readFileSync } from 'node:fs';
import { InferenceSession, Tensor, env } from 'onnxruntime-web';

env.wasm.numThreads = 1;
env.logLevel = 'error';

const arrayOf = {
  float32: (data) => Float32Array.from(data, Number),
  float64: (data) => Float64Array.from(data, Number),
  int32: (data) => Int32Array.from(data),
  int64: (data) => BigInt64Array.from(data, BigInt),
  uint8: (data) => Uint8Array.from(data),
  bool: (data) => Uint8Array.from(data),
  string: (data) => data,
};

const answers = [];
for (const { file, feeds } of JSON.parse(readFileSync(process.argv[2], 'utf8'))) {
  try {
    const session = await InferenceSession.create(readFileSync(file), { executionProviders: ['wasm'] });
    const results = await session.run(
      Object.fromEntries(
        feeds.map(({ name, type, dims, data }) => [name, new Tensor(type, arrayOf[type](data), dims)]),
      ),
    );
    const outputs = Object.fromEntries(
      Object.entries(results).map(([name, { type, dims, data }]) => [
        name,
        { type, dims, data: Array.from(data, type === 'string' ? String : Number) },
      ]),
    );
    answers.push({ outputs });
    await session.release();
  } catch (error) {
    answers.push({ error: String(error) });
  }
}
// A number that JSON lacks travels as text.
console.log(
  JSON.stringify(answers, (_key, value) =>
    typeof value === 'number' && !Number.isFinite(value) ? String(value) : value,
  ),
);

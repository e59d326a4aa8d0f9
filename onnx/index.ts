/**
 * ONNX graphs as ordinary code: build them from typed values, differentiate them, compile a training into one model,
 * write and read the files. Pure: no runtime, no input or output, no dependency.
 *
 * ```ts
 * const parameters = { kernel: [8, 1], bias: [1] };
 * const forward = (w: Record<string, Value>, x: Value) => op.Gemm(x, w.kernel, w.bias);
 *
 * // One model that runs many Adam steps in a single session.run.
 * const training = compileTraining({
 *   parameters,
 *   columns: { x: { dtype: 'float32', dims: [8] }, y: { dtype: 'float32', dims: [1] } },
 *   batchSize: 32,
 *   optimizer: adam(),
 *   build: ({ weights, batch }) => ({ loss: meanSquaredError(forward(weights, batch.x), batch.y) }),
 * });
 * const session = await InferenceSession.create(training.bytes);
 * const rows = permutation(rowCount, seed, epoch); // int32 [steps, 32] is fed as training.index
 * const outputs = await session.run({ x, y, ...index, ...training.coefficients(0, steps, 1e-3), ...state });
 * const weights = training.weightsOf(stateAfter);
 *
 * // The same forward function, with the weights in the file: what was trained is what is served.
 * const area = input('x', 'float32', ['rows', 8]);
 * const file = modelBytes({
 *   name: 'prices',
 *   inputs: [area],
 *   outputs: { price: op.Mul(forward(weightConstants(parameters, weights), area), 1000) },
 * });
 * ```
 *
 * - `tensor.ts`, `value.ts`: element types, shapes, values. `op/`: one function per operator, named as in ONNX.
 * - `emit.ts`: from values to a file (opset 17, ai.onnx.ml 3, IR 8), deterministic, without what nothing uses.
 * - `inline.ts`: from a file back to values, to merge models. `narrow.ts`: the same file for devices of few buffers.
 * - `layer/`: recurrent layers, attention, normalisation.
 * - `gradient/`: reverse mode, one rule per operator. `training/`: optimizers, losses, the compiled loop.
 * - `proto/`: the protobuf messages, written and read without a library; the reader takes hostile bytes.
 */
export * from './errors';
export * from './tensor';
export * from './value';
export * from './emit';
export { inlineModel } from './inline';
export { narrowSplits } from './narrow';
export * as op from './op';
export * as layer from './layer';
export { readModel } from './proto/read';
export { writeModel } from './proto/write';
export type * from './proto/model';
export { gradients, differentiableOps } from './gradient';
export { isStopped, stopGradient } from './gradient/stop';
export * from './training';

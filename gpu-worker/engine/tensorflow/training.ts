/** A compiled training on TensorFlow.js: takes the feeds and gives the outputs that its ONNX model would. */
import type * as tfjs from '@tensorflow/tfjs-core';
import { input, trainingStep } from '../../../onnx';
import type { CompiledTraining, Dtype, Value } from '../../../onnx';
import { concatenated } from '../concatenated';
import { float32 } from '../onnxruntime';
import type { Feeds, Session, Tensor } from '../onnxruntime';
import { interpret, tensorOf } from './interpreter';
import type { TensorFlow } from './call';

/** The values of one step that are fed, by feed name. */
interface StepFeeds {
  readonly state: readonly Value[];
  readonly columns: ReadonlyMap<string, Value>;
  readonly coefficients: readonly Value[];
  readonly draws: readonly Value[];
  readonly resident: ReadonlyMap<string, Value>;
  /** Gradients of the trained tensors. */
  readonly slopes: readonly Value[];
}

interface StepOutputs {
  readonly loss: Value;
  readonly metrics: readonly Value[];
  /** Of the state, what is handed on without being trained. */
  readonly buffers: readonly Value[];
  readonly state: readonly Value[];
  /** The loss with its penalty. */
  readonly reported: Value;
}

/** Weights and optimizer live on TensorFlow's device between steps and leave it at the end of a run. */
export class TensorFlowTraining implements Session {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  private readonly feeds: StepFeeds;
  private readonly outputs: StepOutputs;
  private readonly resident = new Map<string, { of: Tensor; on: tfjs.Tensor }>();

  constructor(
    private readonly tf: TensorFlow,
    private readonly compiled: CompiledTraining,
  ) {
    const { state, columns, coefficientInputs, draws, batchSize, index, layout, reports, plan } = compiled;
    this.feeds = {
      state: state.map(({ input: name, dims }) => input(name, 'float32', dims)),
      columns: new Map(
        columns.map(({ name, dtype, dims }) => [
          name,
          input(name, dtype, [batchSize, ...dims.slice(1).map(Number)]),
        ]),
      ),
      coefficients: coefficientInputs.map((name) => input(name, 'float32', [1, 1])),
      draws: draws.map(({ input: name, dims }) => input(name, 'float32', dims)),
      resident: new Map(
        Object.entries(plan.resident ?? {}).map(([name, { dtype, shape }]) => [
          name,
          input(name, dtype, shape),
        ]),
      ),
      slopes: layout.groups.map(({ name, dims }) => input(`slope/${name}`, 'float32', dims)),
    };
    let drawn = 0;
    const step = trainingStep(plan, {
      carried: this.feeds.state,
      batch: Object.fromEntries(this.feeds.columns),
      coefficients: this.feeds.coefficients,
      resident: Object.fromEntries(this.feeds.resident),
      draw: () => at(this.feeds.draws, drawn++),
    });
    const { state: next, loss: reported } = step.update(this.feeds.slopes);
    this.outputs = {
      loss: step.loss,
      metrics: Object.values(step.metrics),
      buffers: next.slice(layout.groups.length * (1 + plan.optimizer.slots.length)),
      state: next,
      reported,
    };
    this.inputNames = [
      ...columns.map(({ name }) => name),
      index,
      ...coefficientInputs,
      ...draws.map(({ input: name }) => name),
      ...this.feeds.resident.keys(),
      ...state.map(({ input: name }) => name),
    ];
    this.outputNames = [...state.map(({ output }) => output), ...reports];
  }

  async run(feeds: Feeds): Promise<Record<string, Tensor>> {
    const { tf, compiled } = this;
    const fed = (name: string): Tensor => {
      const tensor = feeds[name];
      if (tensor === undefined) throw new Error(`the training was not fed ${name}`);
      return tensor;
    };
    const index = tf.tidy(() => upload(tf, fed(compiled.index)));
    const [steps = 0] = index.shape;
    const sequences = [
      ...compiled.coefficientInputs.map((name) =>
        tf.tidy(() => tf.reshape(upload(tf, fed(name)), [steps, 1, 1])),
      ),
      ...compiled.draws.map(({ input: name }) => upload(tf, fed(name))),
    ];
    let state = compiled.state.map(({ input: name }) => upload(tf, fed(name)));
    const columns = compiled.columns.map(({ name }) => this.kept(name, fed(name)));
    const resident = [...this.feeds.resident.keys()].map((name) => this.kept(name, fed(name)));
    const reports: tfjs.Tensor[][] = [];
    try {
      for (let step = 0; step < steps; step++) {
        const rows = tf.tidy(() => sliceOf(tf, index, step));
        const done = this.step(
          state,
          tf.tidy(() => columns.map((column) => tf.gather(column, rows))),
          tf.tidy(() => sequences.map((sequence) => sliceOf(tf, sequence, step))),
          resident,
        );
        rows.dispose();
        tf.dispose(state);
        state = done.state;
        reports.push(done.reports);
      }
      return await this.answer(state, reports);
    } finally {
      tf.dispose([index, ...sequences, ...state, ...reports.flat()]);
    }
  }

  private step(
    state: readonly tfjs.Tensor[],
    batch: readonly tfjs.Tensor[],
    sequences: readonly tfjs.Tensor[],
    resident: readonly tfjs.Tensor[],
  ): { state: tfjs.Tensor[]; reports: tfjs.Tensor[] } {
    const { tf, feeds, outputs } = this;
    const trained = feeds.slopes.length;
    const ofForward = [outputs.loss, ...outputs.metrics, ...outputs.buffers];
    const kept: tfjs.Tensor[] = [];
    const done = tf.tidy(() => {
      const given = new Map<Value, tfjs.Tensor>();
      const fed = [
        ...feeds.state,
        ...feeds.columns.values(),
        ...feeds.coefficients,
        ...feeds.draws,
        ...feeds.resident.values(),
      ];
      const tensors = [...state, ...batch, ...sequences, ...resident];
      fed.forEach((value, position) => given.set(value, at(tensors, position)));
      const { grads } = tf.valueAndGrads((...weights: tfjs.Tensor[]) => {
        const fresh = new Map(given);
        weights.forEach((weight, position) => fresh.set(at(feeds.state, position), weight));
        const forward = interpret(tf, ofForward, fresh);
        // What the forward pass made leaves the tape, so that it need not be computed again.
        kept.push(...forward.map((tensor) => tf.keep(tf.clone(tensor))));
        return at(forward, 0) as tfjs.Scalar;
      })(state.slice(0, trained));
      ofForward.forEach((value, position) => given.set(value, at(kept, position)));
      grads.forEach((slope, position) => given.set(at(feeds.slopes, position), slope));
      const wanted = [...outputs.state, outputs.reported, ...outputs.metrics];
      return interpret(tf, wanted, given).map((tensor) => tf.clone(tensor));
    });
    tf.dispose([...batch, ...sequences, ...kept]);
    return { state: done.slice(0, outputs.state.length), reports: done.slice(outputs.state.length) };
  }

  /** A column of the data stays on the device from run to run. */
  private kept(name: string, tensor: Tensor): tfjs.Tensor {
    const known = this.resident.get(name);
    if (known?.of === tensor) return known.on;
    known?.on.dispose();
    const on = upload(this.tf, tensor);
    this.resident.set(name, { of: tensor, on });
    return on;
  }

  private async answer(
    state: readonly tfjs.Tensor[],
    reports: readonly (readonly tfjs.Tensor[])[],
  ): Promise<Record<string, Tensor>> {
    const { state: tensors, reports: names } = this.compiled;
    const answers: Record<string, Tensor> = {};
    for (const [position, { output, dims }] of tensors.entries())
      answers[output] = float32(await numbers(at(state, position)), dims);
    for (const [position, name] of names.entries()) {
      const steps = await Promise.all(reports.map((step) => numbers(at(step, position))));
      const dims = reports[0] === undefined ? [] : at(reports[0], position).shape;
      answers[name] = float32(concatenated(steps, Float32Array), [steps.length, ...dims]);
    }
    return answers;
  }

  close(): Promise<void> {
    for (const { on } of this.resident.values()) on.dispose();
    this.resident.clear();
    return Promise.resolve();
  }
}

const at = <T>(list: readonly T[], position: number): T => {
  const item = list[position];
  if (item === undefined) throw new Error(`item ${position} of the step is missing`);
  return item;
};

const upload = (tf: TensorFlow, { type, data, dims }: Tensor): tfjs.Tensor =>
  tensorOf(tf, { dtype: type as Dtype, data: data, dims });

/** One step's part of a [steps, ...] feed, without the first axis. */
const sliceOf = (tf: TensorFlow, sequence: tfjs.Tensor, step: number): tfjs.Tensor => {
  const rest = sequence.shape.slice(1);
  return tf.reshape(tf.slice(sequence, [step, ...rest.map(() => 0)], [1, ...rest]), rest);
};

const numbers = async (tensor: tfjs.Tensor): Promise<Float32Array> => Float32Array.from(await tensor.data());

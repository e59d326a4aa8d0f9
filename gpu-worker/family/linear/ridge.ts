import { constant, op, tensor } from '../../../onnx';
import type { Value } from '../../../onnx';
import type { LinearSpec } from '../../../contracts';
import type { Prepared, TrainingContext, TrainingData } from '../data';
import { onFeatures } from '../trained';
import type { Trained } from '../trained';
import { coordinateDescent } from './coordinate-descent';
import { withLoss } from './loss';
import type { LinearWeights, LossShape } from './loss';
import { newton, steepness } from './newton';
import { normalEquations, solveRidge } from './normal-equations';
import { choosePenalty } from './penalty';
import type { Chosen } from './penalty';
import { ridgeByFolds, WIDEST_FOLDS } from './ridge-folds';

/** Wider, the cube of the width in a factorisation is more work than passes over the rows. */
const WIDEST_CLOSED_FORM = 512;

const SQUARED: LossShape = { kind: 'squared', outputs: 1 };

/** Linear regression: ridge in closed form, or in one Newton step where it is wide; elastic net by coordinate descent. */
export const trainRidge = async (
  spec: LinearSpec,
  data: TrainingData,
  prepared: Prepared,
  context: TrainingContext,
): Promise<Trained> => {
  const { width } = prepared.training.features;
  const { penalty, weights } = byFolds(spec, data, width)
    ? await ridgeByFolds(spec, prepared.training, context.signal, (share) => context.progress(share, []))
    : await solved(spec, prepared, context);
  context.progress(1, []);
  return onFeatures(data, prepared.preparation, {
    spec: { ...spec, l2: penalty },
    output: (x) => affine(x, weights, [width, 1]),
    history: [],
  });
};

/** Rows that follow each other in time do not judge those before them: for these stands the validation part. */
const byFolds = (
  { l2, l1Ratio = 0, window }: LinearSpec,
  { holdout }: TrainingData,
  width: number,
): boolean =>
  l2 === 'auto' && l1Ratio === 0 && width <= WIDEST_FOLDS && window === undefined && holdout.kind === 'hash';

const solved = async (
  spec: LinearSpec,
  { training, validation }: Prepared,
  { signal, progress }: TrainingContext,
): Promise<Chosen<LinearWeights>> => {
  const { features, targets } = training;
  const l1Ratio = spec.l1Ratio ?? 0;
  const rows = { trainingRows: features.rows, validationRows: validation.features.rows };
  const zero: LinearWeights = new Float64Array(features.width + 1);
  return withLoss(validation, SQUARED, signal, async (judge) => {
    const choose = (
      solve: (penalty: number, before?: LinearWeights) => LinearWeights | Promise<LinearWeights>,
    ): Promise<Chosen<LinearWeights>> =>
      choosePenalty(
        spec,
        rows,
        solve,
        async (weights) => (await judge.gradient(weights)).loss,
        (share) => progress(share, []),
      );
    if (l1Ratio === 0 && features.width > WIDEST_CLOSED_FORM)
      return withLoss(training, SQUARED, signal, async (loss) => {
        const steep = await steepness(loss);
        return choose((l2, before = zero) => newton(loss, l2, { start: before, steep }));
      });
    const equations = await normalEquations(features, targets, signal);
    return choose((penalty, before = zero) =>
      l1Ratio === 0
        ? solveRidge(equations, penalty)
        : coordinateDescent(equations, { penalty, l1Ratio }, before),
    );
  });
};

/** features · kernel + bias, from row-major weights [width + 1, outputs]. */
export const affine = (
  x: Value,
  weights: LinearWeights,
  [width, outputs]: readonly [number, number],
): Value => {
  const kernel = tensor('float32', Float32Array.from(weights.subarray(0, width * outputs)), [width, outputs]);
  const bias = tensor('float32', Float32Array.from(weights.subarray(width * outputs)), [outputs]);
  return op.Gemm(x, constant(kernel), constant(bias));
};

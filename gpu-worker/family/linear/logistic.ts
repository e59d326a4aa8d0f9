import { op, vector } from '../../../onnx';
import type { LinearSpec } from '../../../contracts';
import type { Prepared, TrainingContext, TrainingData } from '../data';
import { onFeatures } from '../trained';
import type { Trained } from '../trained';
import { coordinateDescent } from './coordinate-descent';
import type { ElasticNet } from './coordinate-descent';
import { withLoss } from './loss';
import type { LinearLoss, LinearWeights, LossShape } from './loss';
import { newton, steepness } from './newton';
import { normalEquations } from './normal-equations';
import { choosePenalty } from './penalty';
import type { Chosen } from './penalty';
import { affine } from './ridge';

/** Logistic regression by Newton's method: one logit for two classes, one a class for more. */
export const trainLogistic = async (
  spec: LinearSpec,
  data: TrainingData,
  prepared: Prepared,
  context: TrainingContext,
): Promise<Trained> => {
  const { target, training } = prepared;
  const classes = target.task === 'classification' ? target.classes.length : 2;
  const shape: LossShape =
    classes === 2 ? { kind: 'binary', outputs: 1 } : { kind: 'softmax', outputs: classes };
  const { penalty, weights } = await solved(spec, shape, prepared, context);
  context.progress(1, []);
  const { width } = training.features;
  return onFeatures(data, prepared.preparation, {
    spec: { ...spec, l2: penalty },
    output: (x) => {
      const logits = affine(x, weights, [width, shape.outputs]);
      // Half the logit for and half against: the same probabilities as its sigmoid.
      return op.Softmax(shape.kind === 'binary' ? op.Mul(logits, vector([-0.5, 0.5])) : logits);
    },
    history: [],
  });
};

const solved = (
  spec: LinearSpec,
  shape: LossShape,
  { training, validation }: Prepared,
  { signal, progress }: TrainingContext,
): Promise<Chosen<LinearWeights>> =>
  withLoss(validation, shape, signal, (judge) =>
    withLoss(training, shape, signal, async (loss) => {
      const l1Ratio = spec.l1Ratio ?? 0;
      const zero: LinearWeights = new Float64Array(loss.size);
      const steep = await steepness(loss);
      return choosePenalty(
        spec,
        { trainingRows: loss.rows, validationRows: judge.rows },
        (penalty, before = zero) =>
          l1Ratio === 0
            ? newton(loss, penalty, { start: before, steep })
            : proximalNewton(loss, training, { penalty, l1Ratio }, before, signal),
        async (weights) => (await judge.gradient(weights)).loss,
        (share) => progress(share, []),
      );
    }),
  );

const MOST_STEPS = 25;
/** The largest change of a weight that is still one. */
const TOLERANCE = 1e-4;
/** Rows that are sure would make the curvature vanish (Friedman, Hastie and Tibshirani 2010, section 3). */
const LEAST_VARIANCE = 1e-5;

/**
 * Elastic net of a likelihood: the loss as a parabola around the weights, class by class, each solved by coordinate descent
 * (Friedman, Hastie and Tibshirani 2010, sections 3 and 4).
 */
const proximalNewton = async (
  loss: LinearLoss,
  { features, targets }: Prepared['training'],
  net: ElasticNet,
  start: LinearWeights,
  signal: AbortSignal,
): Promise<LinearWeights> => {
  const { outputs } = loss;
  const size = features.width + 1;
  const weights = start.slice();
  for (let step = 0; step < MOST_STEPS; step++) {
    let most = 0;
    for (let output = 0; output < outputs; output++) {
      const { gradient } = await loss.gradient(weights);
      const variances = Float32Array.from({ length: features.rows }, (_, row) => {
        const p = loss.probabilities[row * outputs + output];
        return Math.max(p * (1 - p), LEAST_VARIANCE);
      });
      const { gram } = await normalEquations(features, targets, signal, variances);
      const here = Float64Array.from({ length: size }, (_, i) => weights[i * outputs + output]);
      const moments = Float64Array.from(here, (_, i) => {
        let sum = -gradient[i * outputs + output];
        for (let k = 0; k < size; k++) sum += gram[i * size + k] * here[k];
        return sum;
      });
      const next = coordinateDescent({ gram, moments }, net, here);
      for (let i = 0; i < size; i++) {
        most = Math.max(most, Math.abs(next[i] - here[i]));
        weights[i * outputs + output] = next[i];
      }
    }
    if (most < TOLERANCE) break;
  }
  return weights;
};

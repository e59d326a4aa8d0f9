/** One file from raw typed columns to the answer in the user's own terms. */
import { modelBytes, op } from '../../onnx';
import type { Value } from '../../onnx';
import type { ModelSignature } from '../../contracts';
import { calibrationGraph } from '../calibrate/calibration';
import { intervalGraph, setGraph } from '../calibrate/conformal';
import { decisionGraph } from '../calibrate/decision';
import type { PostProcessing } from '../calibrate/post-processing';
import type { Trained } from '../family/trained';
import { typedInputs } from '../prepare/graph';
import type { SupervisedTarget } from '../prepare/target';
import type { Judged } from '../purpose/purpose';

/**
 * Inputs: one [rows] tensor a feature column, named by it (number: double, NaN = missing; category: string,
 * '' = missing; time: int64 epoch microseconds, the smallest int64 = missing). Outputs: `prediction` [rows], float in
 * target units or string label; for a classification also `probabilities` [rows, classes] float. With a conformal fit,
 * `low` and `high` [rows] float around a number, or `set` [rows, classes] bool of the labels that may be true.
 * Equal arguments give equal bytes.
 */
export const sealModel = (trained: Trained, answer: Judged['answer']): Uint8Array => {
  const inputs = typedInputs(trained.inputs);
  const outputs = answer(trained.output(inputs));
  return modelBytes({ name: 'modelmint', inputs: Object.values(inputs), outputs });
};

export const supervisedAnswer = (
  output: Value,
  target: SupervisedTarget,
  { calibration, costs, conformal }: PostProcessing,
): Record<string, Value> => {
  if (target.task === 'classification') {
    const labels = target.classes;
    const probabilities = calibrationGraph(calibration, output);
    const prediction = op.IntToString(
      decisionGraph(probabilities, costs),
      labels.map((_, i) => i),
      labels,
      '',
    );
    const set = conformal?.kind === 'set' && { set: setGraph(conformal, probabilities, labels.length) };
    return { prediction, probabilities, ...set };
  }
  const scaled = op.Cast(op.Squeeze(output, [1]), 'float64');
  const predicted = op.Add(op.Mul(scaled, target.deviation), target.mean);
  const bounds = conformal?.kind === 'interval' && intervalGraph(conformal, predicted);
  return {
    prediction: op.Cast(predicted, 'float32'),
    ...(bounds && { low: op.Cast(bounds.low, 'float32'), high: op.Cast(bounds.high, 'float32') }),
  };
};

export const supervisedOutputs = (
  target: SupervisedTarget,
  { conformal }: PostProcessing,
): ModelSignature['outputs'] =>
  target.task === 'classification'
    ? ['prediction', 'probabilities', ...(conformal ? ['set' as const] : [])]
    : ['prediction', ...(conformal ? ['low' as const, 'high' as const] : [])];

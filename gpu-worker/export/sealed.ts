/** One file from raw typed columns to the answer in the user's own terms. */
import { modelBytes, op } from '../../onnx';
import type { Value } from '../../onnx';
import type { ModelSignature } from '../../contracts';
import type { Trained } from '../family/trained';
import { typedInputs } from '../prepare/graph';
import type { SupervisedTarget } from '../prepare/target';

/**
 * Inputs: one [rows] tensor a feature column, named by it (number: double, NaN = missing; category: string,
 * '' = missing; time: int64 epoch microseconds, the smallest int64 = missing). Outputs: `prediction` [rows], float in
 * target units or string label; for a classification also `probabilities` [rows, classes] float.
 * Equal arguments give equal bytes.
 */
export const sealModel = (trained: Trained, target: SupervisedTarget): Uint8Array => {
  const inputs = typedInputs(trained.inputs);
  const outputs = answer(trained.output(inputs), target);
  return modelBytes({ name: 'modelmint', inputs: Object.values(inputs), outputs });
};

const answer = (output: Value, target: SupervisedTarget): Record<string, Value> => {
  if (target.task === 'classification') {
    const labels = target.classes;
    const prediction = op.IntToString(
      op.ArgMax(output, 1),
      labels.map((_, i) => i),
      labels,
      '',
    );
    return { prediction, probabilities: output };
  }
  const scaled = op.Cast(op.Squeeze(output, [1]), 'float64');
  return { prediction: op.Cast(op.Add(op.Mul(scaled, target.deviation), target.mean), 'float32') };
};

export const signatureOf = (
  trained: Trained,
  target: SupervisedTarget,
  targetName: string,
): ModelSignature => ({
  v: 1,
  task: target.task,
  target: targetName,
  inputs: trained.inputs,
  classes: target.task === 'classification' ? [...target.classes] : [],
  outputs: target.task === 'classification' ? ['prediction', 'probabilities'] : ['prediction'],
});

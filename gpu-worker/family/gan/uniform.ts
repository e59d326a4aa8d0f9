import { op, tensor, constant } from '../../../onnx';
import type { Value } from '../../../onnx';

const PRIME = 2_147_483_647n; // 2^31 - 1
const ROUNDS = 3;

/**
 * Numbers in (0, 1) as a function of a seed, inside a file: `seed` [rows] float64 -> [rows, count] float32. Column j starts
 * from the seed and j and goes through three quadratic congruential maps modulo the prime 2^31 - 1 (Eichenauer & Lehn
 * 1987), whose squares stay below 2^63.
 */
export const uniformOf = (seed: Value, count: number): Value => {
  const int = (value: bigint): Value => constant(tensor('int64', [value], []));
  const columns = Array.from({ length: count }, (_, at) => BigInt(at + 1) * 1_103_515_245n);
  const start = op.Unsqueeze(op.Cast(op.Floor(op.Abs(seed)), 'int64'), [1]);
  let state = op.Mod(
    op.Add(op.Mul(op.Mod(start, int(PRIME)), int(48_271n)), constant(tensor('int64', columns))),
    int(PRIME),
  );
  for (let round = 0; round < ROUNDS; round++) {
    const squared = op.Mod(op.Mul(state, state), int(PRIME));
    const linear = op.Mod(op.Mul(state, int(BigInt(16_807 + 2 * round * 7_919))), int(PRIME));
    state = op.Mod(op.Add(op.Add(squared, linear), int(BigInt(12_345 + round))), int(PRIME));
  }
  return op.Cast(op.Div(op.Add(op.Cast(state, 'float64'), 0.5), Number(PRIME)), 'float32');
};

import { GraphError } from '../errors';
import * as op from '../op';
import { dimAt, product, requireDtype, requireRank } from '../shape';
import { showShape } from '../tensor';
import type { Value } from '../value';

/** A dense layer over the last axis of [..., from], as one product of tables. @param kernel [from, to] */
export const dense = (x: Value, kernel: Value, bias?: Value): Value => {
  if (x.rank === 2) return op.Gemm(x, kernel, bias);
  const from = dimAt('dense', x.shape, -1);
  if (kernel.rank !== 2 || kernel.shape[0] !== from)
    throw new GraphError(
      `dense: a kernel of shape ${showShape(kernel.shape)} does not fit ${showShape(x.shape)}`,
    );
  const outer = x.shape.slice(0, -1);
  const table = op.Gemm(op.Reshape(x, [product(outer), from]), kernel, bias);
  return op.Reshape(table, [...outer, dimAt('dense', kernel.shape, 1)]);
};

/**
 * A learned vector for each index: [...] -> [..., width]. Indices from outside of the table end the run with an error.
 * @param table [count, width]
 * @param indices int32 or int64
 */
export const embedding = (table: Value, indices: Value): Value => {
  requireRank('embedding', 'the table', table, 2);
  requireDtype('embedding', 'indices', indices, ['int32', 'int64']);
  return op.Gather(table, indices);
};

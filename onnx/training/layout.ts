import { GraphError } from '../errors';
import * as op from '../op';
import { countOf } from '../tensor';
import { input, type Value } from '../value';
import { known } from './known';

/** Dimensions of every trainable tensor by name. */
export type Parameters = Readonly<Record<string, readonly number[]>>;
export type Weights = Readonly<Record<string, Float32Array>>;

export interface Group {
  /** Name of the tensor in the compiled model. */
  readonly name: string;
  readonly members: readonly Member[];
  /** A row: [1, numbers of all members]. */
  readonly dims: readonly [1, number];
}

interface Member {
  readonly name: string;
  readonly dims: readonly number[];
  readonly count: number;
  readonly offset: number;
}

/**
 * From this size on a tensor is carried alone: below it, one optimizer update over a common vector costs less than
 * a dozen nodes more; above it, copying in and out of the vector costs more than the nodes.
 */
const ALONE_FROM = 32_768;

/** How parameters lie in the tensors that a training loop carries: small ones share a vector. */
export class WeightLayout {
  readonly groups: readonly Group[];

  constructor(readonly parameters: Parameters) {
    const members = Object.entries(parameters).map(([name, dims]) => ({ name, dims, count: countOf(dims) }));
    if (members.length === 0) throw new GraphError('training needs at least one parameter');
    const small = members.filter(({ count }) => count < ALONE_FROM);
    let offset = 0;
    const shared = small.map((member) => ({ ...member, offset: (offset += member.count) - member.count }));
    const alone = members
      .filter(({ count }) => count >= ALONE_FROM)
      .map((member) => ({ name: member.name, members: [{ ...member, offset: 0 }] }));
    const [only] = shared;
    const common =
      only === undefined ? [] : [{ name: shared.length === 1 ? only.name : 'shared', members: shared }];
    this.groups = [...common, ...alone].map((group) => ({
      ...group,
      dims: [1, group.members.reduce((total, { count }) => total + count, 0)],
    }));
  }

  /** One model input per group. */
  inputs(prefix: string): Value[] {
    return this.groups.map(({ name, dims }) => input(`${prefix}/${name}`, 'float32', dims));
  }

  /** Parameters by name out of the carried tensors. */
  unpack(carried: readonly Value[]): Record<string, Value> {
    const found: Record<string, Value> = {};
    this.groups.forEach(({ members }, index) => {
      const value = known(carried[index], `parameter group ${index}`);
      const parts =
        members.length === 1
          ? [value]
          : op.Split(
              value,
              members.map(({ count }) => count),
              1,
            );
      members.forEach(({ name, dims }, place) => {
        const part = parts[place];
        if (part !== undefined) found[name] = op.Reshape(part, dims);
      });
    });
    return found;
  }

  /** Values by parameter name (gradients) in the shape of the carried tensors. */
  pack(values: Readonly<Record<string, Value>>): Value[] {
    return this.groups.map(({ members }) => {
      const parts = members.map(({ name, count }) => {
        const value = values[name];
        if (value === undefined) throw new GraphError(`no value for parameter ${name}`);
        return op.Reshape(value, [1, count]);
      });
      return op.Concat(parts, 1);
    });
  }

  /** @throws GraphError when a weight is missing or has another size than its parameter */
  arrays(weights: Weights): Float32Array[] {
    return this.groups.map(({ members, dims }) => {
      const array = new Float32Array(countOf(dims));
      for (const { name, count, offset } of members) {
        const part = weights[name];
        if (part?.length !== count)
          throw new GraphError(`parameter ${name} needs ${count} weights, got ${part?.length ?? 'none'}`);
        array.set(part, offset);
      }
      return array;
    });
  }

  weights(arrays: readonly Float32Array[]): Record<string, Float32Array> {
    const found: Record<string, Float32Array> = {};
    this.groups.forEach(({ members }, index) => {
      const array = known(arrays[index], `parameter group ${index}`);
      for (const { name, offset, count } of members) found[name] = array.slice(offset, offset + count);
    });
    return found;
  }
}

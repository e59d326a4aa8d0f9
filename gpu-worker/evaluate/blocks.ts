/** Rows that follow each other in time, or belong to one group, are drawn together: they depend on each other. */
import { randomBits } from '../../onnx';
import type { Draw } from './bootstrap';

export interface Blocks {
  /** How many blocks lie beside each other: about so many parts are independent. */
  readonly count: number;
  readonly draw: Draw;
}

/**
 * The moving-block bootstrap (Künsch 1989). `instants`: of each row, in any order; rows of one instant, as those of
 * several series, are drawn together. Blocks hold `reach` instants, within which rows overlap, or the cube root of all
 * where that is more: the order of the best length for a variance.
 */
export const blocksOf = (instants: Float64Array, reach: number): Blocks => {
  const distinct = Float64Array.from(new Set(instants)).sort();
  const length = Math.min(distinct.length, Math.max(reach, Math.ceil(Math.cbrt(distinct.length))));
  const placeOf = new Map(Array.from(distinct, (instant, place) => [instant, place]));
  const places = Int32Array.from(instants, (instant) => placeOf.get(instant) ?? 0);
  const times = new Uint16Array(distinct.length);
  const draw: Draw = (weights, key) => {
    times.fill(0);
    for (let taken = 0, block = 0; taken < times.length; taken += length, block++) {
      const from = Math.floor((randomBits(key, block) / 2 ** 32) * (times.length - length + 1));
      // The last block ends when as many instants are drawn as there are.
      const to = from + Math.min(length, times.length - taken);
      for (let place = from; place < to; place++) times[place]++;
    }
    places.forEach((place, row) => (weights[row] = times[place]));
  };
  return { count: distinct.length / Math.max(length, 1), draw };
};

/** The cluster bootstrap (Field and Welsh 2007): as many groups as there are, each with all of its rows. */
export const groupBlocks = (groups: Int32Array): Blocks => {
  const distinct = [...new Set(groups)].sort((a, b) => a - b);
  const placeOf = new Map(distinct.map((group, place) => [group, place]));
  const places = groups.map((group) => placeOf.get(group) ?? 0);
  const times = new Uint16Array(distinct.length);
  const draw: Draw = (weights, key) => {
    times.fill(0);
    for (let i = 0; i < times.length; i++) times[Math.floor((randomBits(key, i) / 2 ** 32) * times.length)]++;
    places.forEach((place, row) => (weights[row] = times[place]));
  };
  return { count: distinct.length, draw };
};

/**
 * Counter-based random numbers: every value is a pure function of (seed, stream, counter), so a run that is resumed
 * at any step draws what the uninterrupted run drew. The mixing function is «lowbias32» of Chris Wellons' hash
 * prospector (nullprogram.com/blog/2018/07/31): two multiplications, bias 0.17.
 */
const mix = (value: number): number => {
  let x = value ^ (value >>> 16);
  x = Math.imul(x, 0x21f0aaad);
  x ^= x >>> 15;
  x = Math.imul(x, 0x735a2d97);
  return (x ^ (x >>> 15)) >>> 0;
};

/** Folds words into one key; seeds beyond 32 bits count in full. */
export const randomKey = (seed: number, ...words: readonly number[]): number => {
  let key = mix(seed >>> 0) ^ mix((Math.floor(seed / 0x100000000) + 0x9e3779b9) >>> 0);
  for (const word of words) key = mix(Math.imul(key, 0x9e3779b1) ^ mix((word + 0x85ebca6b) >>> 0));
  return key >>> 0;
};

/** 32 random bits for a counter under a key. */
export const randomBits = (key: number, counter: number): number => mix((key ^ mix(counter >>> 0)) >>> 0);

/** Uniform in [0, 1) with 24 bits, all exact in float32. */
export const randomUnit = (key: number, counter: number): number =>
  (randomBits(key, counter) >>> 8) / 0x1000000;

/** Standard normal by Box and Muller's method (1958). */
export const randomNormal = (key: number, counter: number): number => {
  const radius = Math.sqrt(-2 * Math.log(1 - randomUnit(key, 2 * counter)));
  return radius * Math.cos(2 * Math.PI * randomUnit(key, 2 * counter + 1));
};

/** The order of 0..count-1 in one epoch (Fisher and Yates). */
export const permutation = (count: number, seed: number, epoch: number): Int32Array => {
  const key = randomKey(seed, 0x5f, epoch);
  const order = new Int32Array(count);
  for (let index = 0; index < count; index++) order[index] = index;
  for (let last = count - 1; last > 0; last--) {
    // The product is below 2^53, so the floor is exact; the bias is at most count / 2^32.
    const pick = Math.floor((randomBits(key, last) * (last + 1)) / 0x100000000);
    const moved = order[last] ?? 0;
    order[last] = order[pick] ?? 0;
    order[pick] = moved;
  }
  return order;
};

const fans = (dims: readonly number[]): { fanIn: number; fanOut: number; count: number } => {
  const count = dims.reduce((product, dim) => product * dim, 1);
  const [first = 1, second = 1] = dims;
  if (dims.length <= 2) return { fanIn: first, fanOut: dims.length === 2 ? second : first, count };
  // Convolution weights are [filters, channels, ...kernel].
  const area = count / (first * second);
  return { fanIn: second * area, fanOut: first * area, count };
};

/** Glorot & Bengio 2010, uniform: Keras' default for dense and convolution kernels. */
export const glorotUniform = (dims: readonly number[], seed: number, stream: number): Float32Array => {
  const { fanIn, fanOut, count } = fans(dims);
  const limit = Math.sqrt(6 / (fanIn + fanOut));
  const key = randomKey(seed, 0x61, stream);
  return Float32Array.from({ length: count }, (_, index) => (2 * randomUnit(key, index) - 1) * limit);
};

/** He et al. 2015, normal: for layers that a ReLU follows. */
export const heNormal = (dims: readonly number[], seed: number, stream: number): Float32Array => {
  const { fanIn, count } = fans(dims);
  const deviation = Math.sqrt(2 / fanIn);
  const key = randomKey(seed, 0x62, stream);
  return Float32Array.from({ length: count }, (_, index) => randomNormal(key, index) * deviation);
};

export interface Draws {
  readonly seed: number;
  /** Tells what a network draws apart. */
  readonly stream: number;
  readonly firstStep: number;
  readonly steps: number;
}

/** Numbers uniform in [0, 1) for consecutive steps. */
export const uniformDraws = (elements: number, { seed, stream, firstStep, steps }: Draws): Float32Array => {
  const draws = new Float32Array(steps * elements);
  for (let step = 0; step < steps; step++) {
    const key = randomKey(seed, 0x64, stream, firstStep + step);
    for (let index = 0; index < elements; index++) draws[step * elements + index] = randomUnit(key, index);
  }
  return draws;
};

/** Dropout masks of consecutive steps: 1 / (1 - rate) where an element is kept, else 0. */
export const dropoutMasks = (elements: number, rate: number, at: Draws): Float32Array => {
  const masks = new Float32Array(at.steps * elements);
  const kept = 1 / (1 - rate);
  const last = Math.round(rate * 0x10000) - 1;
  for (let step = 0; step < at.steps; step++) {
    const key = randomKey(at.seed, 0x63, at.stream, at.firstStep + step);
    const from = step * elements;
    // Each draw decides two elements with 16 bits. The counter is spread by an odd constant and mixed once.
    for (let index = 0; index < elements; index += 2) {
      const bits = mix(key + Math.imul(index, 0x9e3779b1));
      // The sign bit of (threshold - 1 - draw) says «kept»: a branch here would be mispredicted all the time.
      masks[from + index] = ((last - (bits >>> 16)) >>> 31) * kept;
      if (index + 1 < elements) masks[from + index + 1] = ((last - (bits & 0xffff)) >>> 31) * kept;
    }
  }
  return masks;
};

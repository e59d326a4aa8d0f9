import { randomKey, randomUnit } from '../onnx';

/** Uniform numbers in [0, 1), the same for the same seed and stream. */
export const uniform = (seed: number, stream: number): (() => number) => {
  const key = randomKey(seed, stream);
  let counter = 0;
  return () => randomUnit(key, counter++);
};

/** In a random order, by the given source. */
export const shuffled = <T>(items: readonly T[], random: () => number): T[] => {
  const order = items.map((item) => ({ item, at: random() }));
  return order.sort((a, b) => a.at - b.at).map(({ item }) => item);
};

import { input, modelBytes } from '../../onnx';
import type { Smoothing } from '../../contracts';
import { float64, withSession } from '../engine/onnxruntime';
import { smoothed, smoothedWindow } from './smooth';

const WILD = Float64Array.of(3, 3, 90, 4, 5, -70, 6, 7, 7, 8);

const asGraph = async (values: Float64Array, smoothing: Smoothing): Promise<Float64Array> => {
  const x = input('x', 'float64', ['rows', values.length]);
  const bytes = modelBytes({ name: 'filter', inputs: [x], outputs: { y: smoothedWindow(x, smoothing) } });
  return withSession(bytes, {}, async (session) => {
    const { y } = await session.run({ x: float64(values, [1, values.length]) });
    return y.data as Float64Array;
  });
};

describe('filters of series', () => {
  it('a median drops single wild values and looks back only', () => {
    expect([...smoothed(WILD, { kind: 'median', length: 3 })]).toEqual([3, 3, 3, 4, 5, 4, 5, 6, 7, 7]);
  });

  it('an exponential filter moves the level by its share of the distance', () => {
    let level = WILD[0];
    const expected = [...WILD].map((value) => (level += 0.3 * (value - level)));
    smoothed(WILD, { kind: 'exponential', share: 0.3 }).forEach((value, at) =>
      expect(value).toBeCloseTo(expected[at], 10),
    );
  });

  it.each<Smoothing>([
    { kind: 'median', length: 3 },
    { kind: 'median', length: 9 },
    { kind: 'exponential', share: 0.1 },
    { kind: 'exponential', share: 0.99 },
  ])('%j is the same in the file, in every bit', async (smoothing) => {
    const long = Float64Array.from({ length: 37 }, (_, at) => Math.sin(at * at) * 1e3 + 0.1);
    for (const values of [WILD, long, long.subarray(0, 2)])
      expect([...(await asGraph(values.slice(), smoothing))]).toEqual([...smoothed(values, smoothing)]);
  });
});

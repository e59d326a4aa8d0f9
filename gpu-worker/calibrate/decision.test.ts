import { input, modelBytes } from '../../onnx';
import { float32, withSession } from '../engine/onnxruntime';
import { costMatrix, decide, decisionGraph, meanCost, thresholdOf } from './decision';

describe('deciding by cost', () => {
  const costs = costMatrix({ falsePositive: 1, falseNegative: 9 }, 2);

  it('a missed positive nine times as dear as a false alarm puts the threshold at 0.1', () => {
    expect(thresholdOf(costs)).toBeCloseTo(0.1, 12);
    expect([...decide([0.95, 0.05, 0.85, 0.15], 2, costs)]).toEqual([0, 1]);
    expect([...decide([0.95, 0.05, 0.85, 0.15], 2)]).toEqual([0, 0]);
  });

  it('a matrix decides among many classes, and says what its decisions cost', () => {
    const matrix = costMatrix(
      {
        matrix: [
          [0, 1, 4],
          [2, 0, 1],
          [8, 2, 0],
        ],
      },
      3,
    );
    // Expected costs of the three labels for p = (0.5, 0.3, 0.2): 2.2, 0.9, 2.3.
    expect([...decide([0.5, 0.3, 0.2], 3, matrix)]).toEqual([1]);
    expect(meanCost(Int32Array.of(1, 0, 2), [0, 2, -1], matrix)).toBe((1 + 8) / 2);
    expect(meanCost(new Int32Array(0), [], matrix)).toBeNull();
  });

  it('costs that do not fit the classes are refused with what would', () => {
    expect(() => costMatrix({ falsePositive: 1, falseNegative: 2 }, 3)).toThrow('give a matrix');
    expect(() =>
      costMatrix(
        {
          matrix: [
            [0, 1],
            [1, 0],
          ],
        },
        3,
      ),
    ).toThrow('3 rows and columns');
  });

  it('one label that is always right has no threshold', () => {
    expect(
      thresholdOf([
        [0, -1],
        [5, 0],
      ]),
    ).toBeNull();
  });

  it('the graph decides alike', async () => {
    const p = input('p', 'float32', ['rows', 2]);
    const fed = Float32Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? 1 - i / 41 : (i - 1) / 41));
    const outputs = { plain: decisionGraph(p), costly: decisionGraph(p, costs) };
    await withSession(modelBytes({ name: 'decide', inputs: [p], outputs }), {}, async (session) => {
      const answer = await session.run({ p: float32(fed, [20, 2]) });
      const labels = (name: string): number[] => [...(answer[name]?.data as BigInt64Array)].map(Number);
      expect(labels('plain')).toEqual([...decide(fed, 2)]);
      expect(labels('costly')).toEqual([...decide(fed, 2, costs)]);
    });
  });
});

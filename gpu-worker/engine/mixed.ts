/** Whether mixed precision (onnx/training/mixed.ts) helps on a device: measured there, never assumed. */
import { z } from 'zod';
import { openTraining, whyNot } from './engine';
import type { Engine } from './engine';
import { runTrial, trialTraining } from './tiny-training';
import type { TrialSize } from './tiny-training';

/** `times`: the speed of mixed precision over that of float32; else why there is none. */
export const MixedFinding = z.union([z.object({ times: z.number() }), z.object({ why: z.string() })]);
export type MixedFinding = z.infer<typeof MixedFinding>;

/** Large enough for products to outweigh what lies between them; smaller networks gain less, or lose. */
const SIZE: TrialSize = { columns: 1024, width: 1024, batch: 1024, steps: 16 };
const ROUNDS = 3;
/** Largest difference of a loss, relative: ten bits, summed up over the steps. */
const TOLERANCE = 0.02;
/** Less than this is within what two measurements differ by. */
const WORTH_IT = 1.1;

/** Of an engine that works. Training in float32 has no need of this, and CPUs have no such products. */
export const measureMixed = async (engine: Engine, size = SIZE): Promise<MixedFinding> => {
  if (engine.name === 'tensorflow') return { why: 'engine tensorflow computes in float32' };
  if (engine.device === 'cpu') return { why: 'the cpu computes products in float32' };
  return compared(engine, size);
};

export const compared = async (engine: Engine, size: TrialSize): Promise<MixedFinding> => {
  try {
    const trial = async <T>(mixed: boolean, use: (run: () => ReturnType<typeof runTrial>) => Promise<T>) => {
      const compiled = trialTraining(size, mixed);
      const session = await openTraining(engine, compiled);
      try {
        return await use(() => runTrial(session, compiled, size));
      } finally {
        await session.close();
      }
    };
    return await trial(true, async (mixed) => {
      const { losses: half } = await mixed(); // the first run compiles, and fails where there is no float16
      return trial(false, async (single) => {
        const { losses } = await single();
        const apart = losses.map((loss, step) => Math.abs((half[step] ?? NaN) - loss) / loss);
        if (!apart.every((share) => share < TOLERANCE))
          return { why: `losses differ from those of float32 by up to ${percent(Math.max(...apart))}` };
        const [halves, singles]: [number[], number[]] = [[], []];
        for (let round = 0; round < ROUNDS; round++) {
          singles.push((await single()).ms);
          halves.push((await mixed()).ms);
        }
        return { times: Number((median(singles) / median(halves)).toFixed(2)) };
      });
    });
  } catch (error) {
    const noHalf = error instanceof Error && /requires f16/.test(error.message);
    return { why: noHalf ? 'this device has no shader-f16' : whyNot(error) };
  }
};

const median = (of: readonly number[]): number => [...of].sort((a, b) => a - b)[of.length >> 1] ?? NaN;
const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;

export const helps = (found: MixedFinding): boolean => 'times' in found && found.times >= WORTH_IT;

/** «1.7 times float32 here» */
export const saidOf = (found: MixedFinding): string => {
  if ('why' in found) return found.why;
  return helps(found)
    ? `${found.times} times float32 here`
    : `does not help here (${found.times} times float32)`;
};

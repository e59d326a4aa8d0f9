/** What is said of mixed precision on a device. */
import { rounded } from '../../onnx/testing/rounded';
import { chooseEngine } from './engine';
import { compared, helps, measureMixed, saidOf } from './mixed';
import { openSession, openSessionCount } from './onnxruntime';
import { runTrial, trialTraining } from './tiny-training';

const SMALL = { columns: 128, width: 128, batch: 128, steps: 16 };

afterEach(() => expect(openSessionCount()).toBe(0));

it('the training that a device is tried with keeps its losses in float16', async () => {
  const lossesOf = async (mixed: boolean): Promise<Float32Array> => {
    const compiled = trialTraining(SMALL, mixed);
    const session = await openSession(mixed ? rounded(compiled.bytes) : compiled.bytes);
    try {
      return (await runTrial(session, compiled, SMALL)).losses;
    } finally {
      await session.close();
    }
  };
  const [single, half] = [await lossesOf(false), await lossesOf(true)];
  const apart = Math.max(...single.map((loss, step) => Math.abs((half[step] ?? NaN) - loss) / loss));
  expect(apart).toBeGreaterThan(0);
  expect(apart).toBeLessThan(0.02);
});

it('both precisions are timed side by side', async () => {
  const found = await compared(await chooseEngine('cpu'), SMALL);
  expect(found).toEqual({ times: expect.any(Number) as number });
});

it('it is not measured where nothing computes in float16', async () => {
  const cpu = await chooseEngine('cpu');
  expect(await measureMixed(cpu)).toEqual({ why: 'the cpu computes products in float32' });
  expect(await measureMixed({ ...cpu, name: 'tensorflow', device: 'cuda' })).toEqual({
    why: 'engine tensorflow computes in float32',
  });
});

it.each([
  [{ times: 1.7 }, true, '1.7 times float32 here'],
  [{ times: 1.05 }, false, 'does not help here (1.05 times float32)'],
  [{ why: 'this device has no shader-f16' }, false, 'this device has no shader-f16'],
])('%j', (found, help, said) => {
  expect(helps(found)).toBe(help);
  expect(saidOf(found)).toBe(said);
});

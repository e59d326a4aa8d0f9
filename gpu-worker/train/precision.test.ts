/** The precision of a training: who decides it, and where that is kept. */
import { ModelSpec } from '../../contracts';
import type { Engine } from '../engine/engine';
import { listener, regressionTable, request } from '../testing/examples';
import { packState } from '../family/network/checkpoint';
import { withPrecision } from './precision';
import { trainTable } from './train-table';

const cpu: Engine = { name: 'onnxruntime', device: 'cpu', version: '' };
const NETWORKS = ['mlp', 'cnn', 'fusion', 'rnn', 'transformer', 'autoencoder'];
const quick = { family: 'mlp', hidden: [8], epochs: 3 };

it.each(NETWORKS)('%s is float32 unless it asks', async (family) => {
  const plain = ModelSpec.parse({ family });
  expect(plain).not.toHaveProperty('precision');
  expect(await withPrecision(plain, cpu, null)).toBe(plain);
  const auto = ModelSpec.parse({ family, precision: 'auto' });
  expect(await withPrecision(auto, cpu, null)).toEqual({ ...plain, precision: 'float32' });
});

it('mixed is refused where the device cannot, with what can be asked for', async () => {
  for (const task of [
    trainTable(regressionTable(), request({ ...quick, precision: 'mixed' }), listener()),
    trainTable(regressionTable(), request({ ...quick, precision: 'mixed' }, { device: 'cpu' }), listener()),
  ])
    await expect(task).rejects.toMatchObject({
      code: 'BAD_SPEC',
      path: ['spec', 'precision'],
      message:
        'precision mixed does not work on cpu here (the cpu computes products in float32); one of: float32, auto',
    });
  await expect(
    trainTable(regressionTable(), request({ family: 'trees', precision: 'mixed' }), listener()),
  ).rejects.toMatchObject({ code: 'BAD_SPEC' });
});

it('what auto decided is recorded with the model, beside what was asked for', async () => {
  const made = await trainTable(regressionTable(), request({ ...quick, precision: 'auto' }), listener());
  expect(made.manifest.spec).toMatchObject({ precision: 'auto' });
  expect(made.manifest.chosen).toMatchObject({ precision: 'float32' });
  const plain = await trainTable(regressionTable(), request(quick), listener());
  expect(made.onnx).toEqual(plain.onnx);
});

it('an attempt that goes on keeps what the first one decided', async () => {
  const saved = (precision?: 'mixed'): Uint8Array =>
    packState(
      { fingerprint: '', state: [], weights: [], ...(precision && { precision }) },
      {
        history: [],
        plateau: { scale: 1, best: null, waited: 0 },
        stopping: { kept: undefined, lowest: null, since: 0 },
        members: [],
      },
    );
  const auto = ModelSpec.parse({ ...quick, precision: 'auto' });
  // Nothing is measured: this machine may have no such device.
  const card: Engine = { ...cpu, device: 'cuda' };
  expect(await withPrecision(auto, card, saved('mixed'))).toMatchObject({ precision: 'mixed' });
  expect(await withPrecision(auto, card, saved())).toMatchObject({ precision: 'float32' });
});

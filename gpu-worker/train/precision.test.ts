/** The precision of a training: who decides it, where that is kept, and that every network learns in it. */
import { InferenceSession } from 'onnxruntime-node';
import * as contracts from '../../contracts';
import { rounded } from '../../onnx/testing/rounded';
import { chooseEngine } from '../engine/engine';
import type { Engine } from '../engine/engine';
import * as concrete from '../family/concrete';
import * as preparedTarget from '../prepare/target';
import { answers, specs } from '../testing/contract.cjs';
import { listener, regressionTable, request } from '../testing/examples';
import * as assemble from './assemble';
import { packState } from '../family/network/checkpoint';
import { withPrecision } from './precision';
import { trainTable } from './train-table';

const cpu: Engine = { name: 'onnxruntime', device: 'cpu', version: '' };
const NETWORKS = ['mlp', 'cnn', 'fusion', 'rnn', 'transformer', 'autoencoder'];
const quick = { family: 'mlp', hidden: [8], epochs: 3 };

it.each(NETWORKS)('%s is float32 unless it asks', async (family) => {
  const plain = contracts.ModelSpec.parse({ family });
  expect(plain).not.toHaveProperty('precision');
  expect(await withPrecision(plain, cpu, null)).toBe(plain);
  const auto = contracts.ModelSpec.parse({ family, precision: 'auto' });
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
  const auto = contracts.ModelSpec.parse({ ...quick, precision: 'auto' });
  // Nothing is measured: this machine may have no such device.
  const card: Engine = { ...cpu, device: 'cuda' };
  expect(await withPrecision(auto, card, saved('mixed'))).toMatchObject({ precision: 'mixed' });
  expect(await withPrecision(auto, card, saved())).toMatchObject({ precision: 'float32' });
});

it('every kind of network learns in float16 that rounds as a card does', async () => {
  const parts = { ...contracts, ...concrete, ...preparedTarget, ...assemble };
  const engine = await chooseEngine('cpu');
  const single = await answers(parts, engine);
  const mixed = Object.entries(specs).map(([name, spec]) => [name, { ...spec, precision: 'mixed' }] as const);
  const create = InferenceSession.create.bind(InferenceSession) as (
    bytes: Uint8Array,
    options: object,
  ) => Promise<InferenceSession>;
  const spy = jest.spyOn(InferenceSession, 'create');
  spy.mockImplementation((bytes, options = {}) => create(rounded(bytes), options));
  try {
    for (const [name, values] of Object.entries(await answers(parts, engine, Object.fromEntries(mixed)))) {
      expect(values.every(Number.isFinite)).toBe(true);
      expect({ name, values }).not.toEqual({ name, values: single[name] });
    }
  } finally {
    spy.mockRestore();
  }
}, 120_000);

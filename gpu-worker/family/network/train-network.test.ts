import { constant, glorotUniform, input, modelBytes, op, tensor } from '../../../onnx';
import { openSessionCount } from '../../engine/onnxruntime';
import type { TrainingContext } from '../data';
import { packState, savedPrecision, unpackState } from './checkpoint';
import { RowFeed } from './feed';
import type { Network, NetworkData } from './network';
import { PLAIN } from './options';
import type { TrainingOptions } from './options';
import { servedAnswer } from './serve';
import { trainNetwork } from './train-network';

const engine = { name: 'onnxruntime', device: 'cpu', version: '' } as const;
const quiet = (more: Partial<TrainingContext> = {}): TrainingContext => ({
  seed: 5,
  engine,
  signal: new AbortController().signal,
  progress: () => undefined,
  ...more,
});

afterEach(() => expect(openSessionCount()).toBe(0));

const WINDOW = 6;
const LAGS = constant(tensor('int32', [0, 1, 2, 3, 4, 5]));

/** Forecasts the next value of a series from its last six: the series is fed once, an example is where it starts. */
const nextValue: Network<'start', 'y'> = {
  parameters: { 'dense/kernel': [WINDOW, 1], 'dense/bias': [1] },
  buffers: { steps: [1] },
  initial: (seed) => ({
    'dense/kernel': glorotUniform([WINDOW, 1], seed, 0),
    'dense/bias': new Float32Array(1),
    steps: new Float32Array(1),
  }),
  inputs: { start: { dtype: 'int32', dims: [] } },
  targets: { y: { dtype: 'float32', dims: [1] } },
  resident: { series: { dtype: 'float32', shape: ['time'] } },
  forward: ({ weights, batch, resident, dropout, training }) => {
    const [kernel, bias, steps, series] = [
      weights['dense/kernel'],
      weights['dense/bias'],
      weights['steps'],
      resident['series'],
    ];
    if (!kernel || !bias || !steps || !series) throw new Error('weights are missing');
    training?.carry('steps', op.Add(steps, 1));
    const offsets = op.Cast(op.Add(op.Unsqueeze(batch.start, [1]), LAGS), 'int64');
    return op.Gemm(dropout(op.Gather(series, offsets), 0.05), kernel, bias);
  },
  loss: (outputs, { y }) => op.ReduceMean(op.Mul(op.Sub(outputs, y), op.Sub(outputs, y))),
  decayed: ['dense/kernel'],
};

const series = Float32Array.from({ length: 300 }, (_, i) => Math.sin(i / 3) + 0.5 * Math.cos(i / 7));
const rowsFrom = (first: number, count: number) => {
  const start = Int32Array.from({ length: count }, (_, i) => first + i);
  return { count, columns: { start, y: Float32Array.from(start, (at) => series[at + WINDOW] ?? NaN) } };
};
const data: NetworkData<'start' | 'y'> = {
  training: rowsFrom(0, 200),
  validation: rowsFrom(210, 70),
  resident: { series: { data: series, dims: [series.length] } },
};
const options = (more: Partial<TrainingOptions>): TrainingOptions => ({
  ...PLAIN,
  learningRate: 0.02,
  epochs: 12,
  batchSize: 16,
  ...more,
});

describe('trainNetwork', () => {
  it('learns from windows of a resident series, keeps buffers and serves what it trained', async () => {
    const { members, history } = await trainNetwork(nextValue, data, options({ epochs: 60 }), quiet());
    expect(history.at(-1)?.valLoss).toBeLessThan((history[0]?.valLoss ?? 0) / 20);
    expect(Object.keys(history[0] ?? {}).sort()).toEqual(['epoch', 'loss', 'valLoss']);
    expect(members[0]?.['steps']).toEqual(Float32Array.of(60 * Math.ceil(200 / 16)));
    const start = input('start', 'int32', ['rows']);
    const resident = { series: input('series', 'float32', ['time']) };
    const answer = servedAnswer(nextValue, members, { batch: { start }, resident });
    const model = modelBytes({ name: 'served', inputs: [start, resident.series], outputs: { answer } });
    expect(model.length).toBeGreaterThan(100);
  });

  it.each([
    ['adam', 'float32'],
    ['adamW', 'float32'],
    ['sgd', 'float32'],
    ['adamW', 'mixed'],
  ] as const)('resumes in the same bytes with %s in %s', async (optimizer, precision) => {
    const plan = options({
      ...{ optimizer, precision },
      schedule: 'plateau',
      members: 2,
      patience: 8,
      clipNorm: 1,
      learningRate: 0.01,
      weightDecay: optimizer === 'adamW' ? 0.1 : 0,
    });
    const states: Uint8Array[] = [];
    const whole = await trainNetwork(
      nextValue,
      data,
      plan,
      quiet({ checkpoints: { latest: null, offer: (state) => states.push(state()) } }),
    );
    const middle = states[4] ?? null;
    const epochs: number[] = [];
    const resumed = await trainNetwork(
      nextValue,
      data,
      plan,
      quiet({
        checkpoints: { latest: middle, offer: () => undefined },
        progress: (_, done) => epochs.push(...done.map(({ epoch }) => epoch)),
      }),
    );
    expect(epochs[0]).toBe(6);
    expect(resumed).toEqual(whole);
    expect(savedPrecision(middle ?? new Uint8Array())).toBe(precision);
  });

  it('does not go on from a checkpoint of another training', async () => {
    const states: Uint8Array[] = [];
    const offer = (state: () => Uint8Array): void => void states.push(state());
    await trainNetwork(nextValue, data, options({}), quiet({ checkpoints: { latest: null, offer } }));
    const other = options({ learningRate: 0.03 });
    const fresh = await trainNetwork(nextValue, data, other, quiet());
    for (const latest of [states[5] ?? null, Uint8Array.of(1, 2, 3), new Uint8Array(64)])
      expect(
        await trainNetwork(
          nextValue,
          data,
          other,
          quiet({ checkpoints: { latest, offer: () => undefined } }),
        ),
      ).toEqual(fresh);
  });

  it('halves the rate on a plateau', async () => {
    const scheduled = options({ schedule: 'plateau', learningRate: 0.5, epochs: 40, optimizer: 'adam' });
    const steady = await trainNetwork(nextValue, data, { ...scheduled, schedule: 'constant' }, quiet());
    const halved = await trainNetwork(nextValue, data, scheduled, quiet());
    expect(halved.history.slice(0, 6)).toEqual(steady.history.slice(0, 6));
    expect(halved.history.at(-1)?.valLoss).toBeLessThan(steady.history.at(-1)?.valLoss ?? 0);
  });

  it('without validation rows a plateau is one of the training loss', async () => {
    const alone = { ...data, validation: rowsFrom(210, 0) };
    const scheduled = options({ schedule: 'plateau', learningRate: 0.5, epochs: 40, optimizer: 'adam' });
    const steady = await trainNetwork(nextValue, alone, { ...scheduled, schedule: 'constant' }, quiet());
    const halved = await trainNetwork(nextValue, alone, scheduled, quiet());
    expect(halved.history.slice(0, 6)).toEqual(steady.history.slice(0, 6));
    expect(halved.history.at(-1)?.loss).toBeLessThan(steady.history.at(-1)?.loss ?? 0);
  });

  it.each([
    ['learningRate', -1],
    ['batchSize', 0],
    ['weightDecay', 0.1],
    ['clipNorm', -1],
  ])('refuses %s %d', async (name, value) => {
    await expect(trainNetwork(nextValue, data, options({ [name]: value }), quiet())).rejects.toMatchObject({
      code: 'BAD_SPEC',
      path: ['spec', name],
    });
  });

  it('says what does not fit together', async () => {
    const wrong = { ...nextValue, parameters: { ...nextValue.parameters, 'dense/kernel': [5, 1] } };
    await expect(trainNetwork(wrong, data, options({}), quiet())).rejects.toMatchObject({
      code: 'BAD_SPEC',
      message: expect.stringMatching(/inner dimensions 6 and 5 differ/) as string,
    });
  });
});

it('a checkpoint that was cut off is not used', () => {
  const layout = { fingerprint: 'f', state: [['w', 2]], weights: [['w', 2]] } as const;
  const state = {
    history: [{ epoch: 1, loss: 0.5, valLoss: null }],
    plateau: { scale: 0.5, best: 0.25, waited: 3 },
    stopping: { kept: [{ w: Float32Array.of(1, 2) }], lowest: 0.25, since: 1 },
    members: [{ step: 7, state: { w: Float32Array.of(3, 4) } }],
  };
  const bytes = packState(layout, state);
  expect(unpackState(layout, bytes)).toEqual(state);
  expect(unpackState(layout, Buffer.concat([Buffer.from('x'), bytes]).subarray(1))).toEqual(state);
  expect(unpackState(layout, bytes.subarray(0, -1))).toBeUndefined();
  expect(unpackState({ ...layout, fingerprint: 'g' }, bytes)).toBeUndefined();
});

it('rows reach a device in blocks where feeding them whole would cost', () => {
  const rows = { count: 3, columns: { x: Float32Array.of(1, 2, 3, 4, 5, 6), n: Int32Array.of(7, 8, 9) } };
  const columns = { x: { dtype: 'float32', dims: [2] }, n: { dtype: 'int32', dims: [] } } as const;
  const away = new RowFeed(columns, rows, 'webgpu').picked(Int32Array.of(2, 0, 2));
  expect(away.index).toEqual(Int32Array.of(0, 1, 2));
  expect(away.feeds['x']?.data).toEqual(Float32Array.of(5, 6, 1, 2, 5, 6));
  expect(away.feeds['n']?.dims).toEqual([3]);
  const here = new RowFeed(columns, rows, 'cpu').picked(Int32Array.of(2, 0, 2));
  expect(here.index).toEqual(Int32Array.of(2, 0, 2));
  expect(here.feeds['x']?.dims).toEqual([3, 2]);
});

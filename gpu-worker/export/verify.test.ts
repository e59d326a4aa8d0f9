import { readModel, writeModel } from '../../onnx';
import { predictedOf } from '../evaluate/predict';
import { fitPostProcessing } from '../calibrate/post-processing';
import { sealModel, supervisedAnswer } from './sealed';
import { serve } from './served';
import { TOLERANCE, verify, verifyForecasts } from './verify';
import { splitRows } from '../prepare/split';
import { columnNamed, fitTarget } from '../prepare/target';
import type { ForecastTarget } from '../prepare/target';
import { trainConcrete } from '../family/concrete';
import { regressionTable, request } from '../testing/examples';
import { Assembly, featureColumns } from '../train/assemble';

const signal = new AbortController().signal;

const trainedRidge = async () => {
  const table = regressionTable();
  const asked = request({ family: 'linear' });
  const split = splitRows(table, 'y', asked.holdout, 0.1, 1);
  const target = fitTarget(columnNamed(table, 'y'), 'regression', split);
  const data = new Assembly(
    { table, columns: featureColumns(table, asked), target, holdout: asked.holdout, signal },
    split.training,
    split.validation,
  );
  const trained = await trainConcrete({ family: 'linear', l2: 1 }, data, {
    seed: 1,
    engine: { name: 'onnxruntime', device: 'cpu', version: '' },
    signal,
    progress: () => undefined,
  });
  const own = predictedOf(await trained.predict(split.test, signal), target, split.test.length);
  const outputs = await trained.predict(split.validation, signal);
  const predicted = predictedOf(outputs, target, split.validation.length);
  const post = fitPostProcessing(predicted, target, split.validation, { seed: 1 });
  return { table, split, target, trained, own, post };
};

describe('verify', () => {
  it('passes the file that was exported', async () => {
    const { table, split, target, trained, own, post } = await trainedRidge();
    const served = await serve(
      sealModel(trained, (output) => supervisedAnswer(output, target, post)),
      table,
      split.test,
      signal,
    );
    if (served === undefined) throw new Error('columns are missing');
    const verified = verify(served, own, target, post);
    expect(verified).toMatchObject({ rows: split.test.length, tolerance: TOLERANCE });
    expect(verified.maxRelativeError).toBeLessThanOrEqual(TOLERANCE);
  });

  it('catches a planted difference of one weight in the fourth digit', async () => {
    const { table, split, target, trained, own, post } = await trainedRidge();
    const model = readModel(sealModel(trained, (output) => supervisedAnswer(output, target, post)));
    const weights = model.graph.initializers.find(
      ({ dims, dtype }) => dtype === 'float32' && dims.length === 2,
    );
    if (!(weights?.data instanceof Float32Array)) throw new Error('no weights found');
    weights.data[0] = (weights.data[0] ?? 0) * 1.001;
    const served = await serve(writeModel(model), table, split.test, signal);
    if (served === undefined) throw new Error('columns are missing');
    expect(() => verify(served, own, target, post)).toThrow('does not answer as the trainer did');
  });

  it('catches an interval that is too narrow', async () => {
    const { table, split, target, trained, own, post } = await trainedRidge();
    if (post.conformal?.kind !== 'interval') throw new Error('enough rows for an interval');
    const narrower = { ...post, conformal: { ...post.conformal, radius: post.conformal.radius * 0.99 } };
    const served = await serve(
      sealModel(trained, (output) => supervisedAnswer(output, target, narrower)),
      table,
      split.test,
      signal,
    );
    if (served === undefined) throw new Error('columns are missing');
    expect(() => verify(served, own, target, post)).toThrow('does not answer as the trainer did');
    expect(() => verify(served, own, target, narrower)).not.toThrow();
  });

  it('catches labels and sets that do not follow from the probabilities', () => {
    const target = {
      task: 'classification',
      codes: Int32Array.of(0, 1),
      classes: ['a', 'b'],
      counts: [1, 1],
    } as const;
    const probabilities = Float32Array.of(0.6, 0.4, 0.2, 0.8);
    const own = { rows: 2, values: probabilities };
    const post = {
      calibration: { kind: 'none' },
      logLoss: {},
      levels: [],
      conformal: { kind: 'set', method: 'least-ambiguous', level: 0.9, threshold: 0.3, rows: 50 },
    } as const;
    const served = {
      predictions: ['a', 'b'],
      probabilities,
      bounds: null,
      sets: Uint8Array.of(1, 1, 0, 1),
      quantiles: null,
    };
    expect(verify(served, own, target, post).maxRelativeError).toBe(0);
    const costs = [
      [0, 1],
      [9, 0],
    ];
    expect(() => verify(served, own, target, { ...post, costs })).toThrow('do not follow');
    expect(() => verify({ ...served, sets: Uint8Array.of(1, 0, 0, 1) }, own, target, post)).toThrow(
      'do not follow',
    );
    expect(() => verify({ ...served, sets: null }, own, target, post)).toThrow('do not follow');
  });

  it('catches rows in another order and rows that are missing', async () => {
    const { table, split, target, trained, own, post } = await trainedRidge();
    const onnx = sealModel(trained, (output) => supervisedAnswer(output, target, post));
    const turned = await serve(onnx, table, Int32Array.from(split.test).reverse(), signal);
    const fewer = await serve(onnx, table, split.test.subarray(1), signal);
    if (turned === undefined || fewer === undefined) throw new Error('columns are missing');
    expect(() => verify(turned, own, target, post)).toThrow();
    expect(() => verify(fewer, own, target, post)).toThrow();
  });
});

describe('verify of forecasts', () => {
  const target = { deviation: [1, 100], quantiles: [0.1, 0.9] } as unknown as ForecastTarget;
  const trainer = {
    windows: 1,
    points: Float32Array.of(1, 200),
    quantiles: Float32Array.of(0.5, 1.5, 150, 250),
  };
  const served = { ...trainer, predictions: trainer.points, probabilities: null, bounds: null, sets: null };

  it('passes what agrees, each series within its own spread', () => {
    expect(verifyForecasts(served, trainer, target)).toMatchObject({ rows: 1, maxRelativeError: 0 });
    const near = { ...served, predictions: Float32Array.of(1, 200.0005) };
    expect(verifyForecasts(near, trainer, target).maxRelativeError).toBeGreaterThan(0);
  });

  it('catches a value, a quantile and a step that are not the trainer’s', () => {
    const value = { ...served, predictions: Float32Array.of(1.0005, 200) };
    const quantile = { ...served, quantiles: Float32Array.of(0.5, 1.5, 150, 250.1) };
    const step = { ...served, predictions: Float32Array.of(1) };
    for (const wrong of [value, quantile, step, { ...served, quantiles: null }])
      expect(() => verifyForecasts(wrong, trainer, target)).toThrow('does not answer as the trainer did');
  });
});

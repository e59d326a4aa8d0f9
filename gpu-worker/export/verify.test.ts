import { readModel, writeModel } from '../../onnx';
import { predictedOf } from '../evaluate/predict';
import { sealModel } from './sealed';
import { serve } from './served';
import { TOLERANCE, verify } from './verify';
import { splitRows } from '../prepare/split';
import { columnNamed, fitTarget } from '../prepare/target';
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
  return { table, split, target, trained, own };
};

describe('verify', () => {
  it('passes the file that was exported', async () => {
    const { table, split, target, trained, own } = await trainedRidge();
    const served = await serve(sealModel(trained, target), table, split.test, signal);
    if (served === undefined) throw new Error('columns are missing');
    const verified = verify(served, own, target);
    expect(verified).toMatchObject({ rows: split.test.length, tolerance: TOLERANCE });
    expect(verified.maxRelativeError).toBeLessThanOrEqual(TOLERANCE);
  });

  it('catches a planted difference of one weight in the fourth digit', async () => {
    const { table, split, target, trained, own } = await trainedRidge();
    const model = readModel(sealModel(trained, target));
    const weights = model.graph.initializers.find(
      ({ dims, dtype }) => dtype === 'float32' && dims.length === 2,
    );
    if (!(weights?.data instanceof Float32Array)) throw new Error('no weights found');
    weights.data[0] = (weights.data[0] ?? 0) * 1.001;
    const served = await serve(writeModel(model), table, split.test, signal);
    if (served === undefined) throw new Error('columns are missing');
    expect(() => verify(served, own, target)).toThrow('does not answer as the trainer did');
  });

  it('catches rows in another order and rows that are missing', async () => {
    const { table, split, target, trained, own } = await trainedRidge();
    const onnx = sealModel(trained, target);
    const turned = await serve(onnx, table, Int32Array.from(split.test).reverse(), signal);
    const fewer = await serve(onnx, table, split.test.subarray(1), signal);
    if (turned === undefined || fewer === undefined) throw new Error('columns are missing');
    expect(() => verify(turned, own, target)).toThrow();
    expect(() => verify(fewer, own, target)).toThrow();
  });
});

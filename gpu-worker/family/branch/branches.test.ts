import { constant, tensor, vector } from '../../../onnx';
import { asFloat32, openSessionCount, uint8, withSession } from '../../engine/onnxruntime';
import { evaluate } from '../../../onnx/testing/runtime';
import { request } from '../../testing/examples';
import { pictureTable } from '../../testing/images';
import { tableOf } from '../../testing/table';
import { trainTable } from '../../train/train-table';
import type { MadeModel } from '../../train/train-table';
import { augmented } from './augment';

const listener = { signal: new AbortController().signal, progress: () => undefined, champion: null };
const QUICK = { filters: [8, 16], hidden: [16], batchSize: 16, epochs: 12, learningRate: 0.01 };
const train = (target: string, spec: Record<string, unknown>, exclude: string[]): Promise<MadeModel> =>
  trainTable(
    pictureTable(),
    request(spec, { target, exclude, task: target === 'height' ? 'regression' : 'classification' }),
    listener,
  );

afterEach(() => expect(openSessionCount()).toBe(0));

describe('augmentation', () => {
  const picture = Float32Array.from({ length: 2 * 3 * 4 }, (_, at) => at);
  const sampled = async (
    options: Parameters<typeof augmented>[1],
    draws: readonly number[][],
  ): Promise<number[]> => {
    let draw = 0;
    const x = constant(tensor('float32', picture, [2, 1, 3, 4]));
    const out = augmented(x, options, () => vector(draws[draw++] ?? []));
    return (await evaluate({ out }))['out']?.numbers ?? [];
  };

  it('half way between the extremes nothing moves', async () => {
    const nothing = [
      [0.5, 0.5],
      [0.5, 0.5],
      [0.5, 0.5],
    ];
    expect(await sampled({ flip: false, shift: 0.2, zoom: 0.2 }, nothing)).toEqual([...picture]);
  });

  it('flips one picture of the batch and not the other', async () => {
    const out = await sampled({ flip: true, shift: 0, zoom: 0 }, [
      [0.5, 0.5],
      [0.1, 0.9],
      [0.5, 0.5],
      [0.5, 0.5],
    ]);
    expect(out.slice(0, 12)).toEqual([3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8]);
    expect(out.slice(12)).toEqual([...picture.subarray(12)]);
  });

  it('shifts by whole columns and repeats the rim', async () => {
    // scale, rows, columns: the largest shift of 4 columns is one of them.
    const out = await sampled({ flip: false, shift: 0.25, zoom: 0 }, [
      [0.5, 0.5],
      [0.5, 0.5],
      [1, 0],
    ]);
    expect(out.slice(0, 4)).toEqual([1, 2, 3, 3]);
    expect(out.slice(12, 16)).toEqual([12, 12, 13, 14]);
  });

  it('crops one picture to its middle, between the pixels, and moves the other away, the rim repeated', async () => {
    // scale, rows, columns: scales of 0.5 and 1.5.
    const out = await sampled({ flip: false, shift: 0, zoom: 0.5 }, [
      [0, 1],
      [0.5, 0.5],
      [0.5, 0.5],
    ]);
    expect(out.slice(0, 12)).toEqual([
      2.75, 3.25, 3.75, 4.25, 4.75, 5.25, 5.75, 6.25, 6.75, 7.25, 7.75, 8.25,
    ]);
    expect(out.slice(12)).toEqual([12, 12.75, 14.25, 15, 16, 16.75, 18.25, 19, 20, 20.75, 22.25, 23]);
  });
});

describe('networks of branches', () => {
  it('cnn sees what is in the pictures, and the file answers on pixels', async () => {
    const made = await train('half', { family: 'cnn', ...QUICK, augmentation: { shift: 0, zoom: 0 } }, []);
    expect(made.manifest.metrics.test['accuracy']).toBeGreaterThan(0.9);
    expect(made.manifest.signature.inputs.map(({ spec }) => spec.type)).toEqual(['image']);
    expect(made.manifest.verified.rows).toBe(64);
    await withSession(made.onnx, {}, async (session) => {
      const answer = await session.run({ image: uint8(new Uint8Array(2 * 144), [2, 12, 12, 1]) });
      expect(answer['probabilities']?.dims).toEqual([2, 2]);
    });
    // Golden rows hold the picture as a partner sends it.
    expect(made.golden.rows[0]?.['image']).toMatch(/^iVBOR/);
  });

  it('a picture in other light is the same picture: its own mean and contrast are taken out', async () => {
    const made = await train('half', { family: 'cnn', ...QUICK, epochs: 4 }, ['both', 'height']);
    const [{ pixels }] = pictureTable().images ?? [];
    const dim = pixels.subarray(0, 20 * 144).map((value) => value / 2);
    const answered = (of: Uint8Array): Promise<Float32Array> =>
      withSession(made.onnx, {}, async (session) =>
        asFloat32((await session.run({ image: uint8(of, [20, 12, 12, 1]) }))['probabilities']),
      );
    const plain = await answered(dim);
    const differenceTo = (other: Float32Array): number =>
      Math.max(...plain.map((value, at) => Math.abs(value - other[at])));
    expect(differenceTo(await answered(dim.map((value) => value + 100)))).toBeLessThan(1e-4);
    expect(differenceTo(await answered(dim.map((value) => 2 * value)))).toBeLessThan(0.01);
  });

  it('fusion needs both the picture and the number', async () => {
    const { filters, ...rest } = QUICK;
    const spec = { ...rest, epochs: 20, width: 16 };
    const image = { filters, augmentation: { shift: 0, zoom: 0 } };
    const joined = await train('both', { ...spec, family: 'fusion', image }, ['half', 'height']);
    expect(joined.manifest.metrics.test['accuracy']).toBeGreaterThan(0.8);
    expect(joined.manifest.signature.inputs.map(({ spec: { name } }) => name)).toEqual(['weight', 'image']);
    const alone = await train('both', { family: 'cnn', ...QUICK }, ['half', 'height']);
    expect(alone.manifest.metrics.test['accuracy']).toBeLessThan(0.7);
  });

  it('cnn also gives numbers, and the same bytes for the same seed', async () => {
    const spec = { family: 'cnn', ...QUICK, epochs: 6 };
    const [one, two] = [await train('height', spec, []), await train('height', spec, [])];
    expect(one.manifest.metrics.test['rmse']).toBeLessThan((one.manifest.metrics.baseline['rmse'] ?? 0) / 2);
    expect(Buffer.compare(one.onnx, two.onnx)).toBe(0);
  });

  it('a transformer reads a text word by word, and the file cuts it into the same words', async () => {
    const fruits = ['apple', 'pear', 'plum', 'fig', 'quince'];
    // The first word decides, wherever the second stands among the others.
    const texts = Array.from({ length: 300 }, (_, row) => {
      const words = [fruits[(row * 3) % 5], fruits[(row * 7 + 1) % 5], fruits[(row * 11 + 2) % 5]];
      return `${row % 2 === 0 ? 'Not' : 'Yes'} ${words.join(row % 3 === 0 ? ', ' : ' - ')}! Nº${row % 7}`;
    });
    const label = texts.map((text) => (text.startsWith('Not') ? 'no' : 'yes'));
    const made = await trainTable(
      tableOf({ text: { texts }, label }, (row) => row % 5 === 1),
      request(
        { family: 'transformer', epochs: 8, learningRate: 0.01, tokens: 8 },
        { target: 'label', task: 'classification' },
      ),
      listener,
    );
    expect(made.manifest.metrics.test['accuracy']).toBeGreaterThan(0.95);
    expect(made.manifest.verified.maxRelativeError).toBeLessThan(1e-5);
  });

  it('a kernel wider than the maps that it reads sees zeros around them', async () => {
    const spec = { family: 'cnn', filters: [4, 4, 4, 4], kernel: 11, hidden: [4], epochs: 1 };
    expect((await train('half', spec, ['both', 'height'])).manifest.verified.maxRelativeError).toBeLessThan(
      1e-5,
    );
  });

  it.each([
    [{ family: 'cnn', kernel: 12 }, ['spec', 'kernel'], /<=11/],
    [{ family: 'cnn', filters: [] }, ['spec', 'filters'], />=1/],
    [
      { family: 'transformer', width: 8, heads: 3 },
      ['spec', 'heads'],
      /^layer attention: 3 heads need a width that is a multiple of 3, got 8$/,
    ],
  ])('a layer that cannot be is refused by name: %j', async (spec, path, message) => {
    const texts = Array.from({ length: 100 }, (_, row) => `${row % 2 ? 'good' : 'poor'} piece ${row % 7}`);
    const table = tableOf(
      { text: { texts }, half: texts.map((text) => text.slice(0, 4)) },
      (row) => row % 5 === 0,
    );
    await expect(
      trainTable(table, request(spec, { target: 'half', task: 'classification' }), listener),
    ).rejects.toMatchObject({
      code: 'BAD_SPEC',
      path,
      message: expect.stringMatching(message) as string,
    });
  });

  it('a table without pictures is refused by name', async () => {
    const table = { ...pictureTable(), images: [] };
    await expect(
      trainTable(table, request({ family: 'cnn' }, { target: 'half', task: 'classification' }), listener),
    ).rejects.toMatchObject({
      code: 'BAD_SPEC',
      message: 'family cnn learns from pictures, and this dataset has none',
    });
  });
});

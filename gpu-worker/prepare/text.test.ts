import { input, modelBytes } from '../../onnx';
import type { Value } from '../../onnx';
import type { Column, Table } from '../data/table';
import { asFloat32, strings, withSession } from '../engine/onnxruntime';
import { parseCell } from '../../tabular';
import { RAW, STANDARD } from './encoding';
import { preparedFeatures, typedInputs } from './graph';
import { blockRows, prepareMatrix, rawFeeds } from './matrix';
import { fitPreparation, signatureInputs } from './preparation';
import { fitTarget } from './target';
import { fitTokens } from './text';
import { tokenIds } from './text-graph';
import { tokensOf, tokenTable } from './tokens';

const signal = new AbortController().signal;
const range = (length: number): Int32Array => Int32Array.from({ length }, (_, i) => i);

const textColumn = (texts: readonly (string | null)[]): Extract<Column, { kind: 'category' | 'text' }> => {
  const dictionary = [...new Set(texts.filter((text) => text !== null))].sort();
  return {
    spec: { v: 1, name: 'note', type: 'text', missing: [] },
    kind: 'text',
    codes: Int32Array.from(texts, (text) => (text === null ? -1 : dictionary.indexOf(text))),
    dictionary,
  };
};
const tableOf = (column: Column): Table => {
  const rows = 'codes' in column ? column.codes.length : column.values.length;
  return { rows, columns: [column], holdout: new Uint8Array(rows) };
};

const answer = async (
  texts: readonly string[],
  output: (text: Value) => Value,
): Promise<ArrayLike<unknown>> => {
  const text = input('text', 'string', ['rows']);
  const bytes = modelBytes({ name: 'text', inputs: [text], outputs: { output: output(text) } });
  return withSession(bytes, {}, async (session) => {
    const { output: tensor } = await session.run({ text: strings([...texts], [texts.length]) });
    return tensor?.data;
  });
};

const TEXTS = [
  'Good morning, my friend! Call me at 5.',
  'FREE prize! Call 0800-123 now, free call',
  'Ärger über Öl; ÉTÉ à Zürich',
  'पानी पीना अच्छा है',
  '我们 明天 见',
  '',
];

describe('text', () => {
  it.each(['words', 'words-and-signs', 'characters'] as const)(
    '%s: the fit cuts as the graph does',
    async (cut) => {
      const cells = Array.from(await answer(TEXTS, (text) => tokenTable(text, cut, 'tokens'))) as string[];
      const width = cells.length / TEXTS.length;
      const rows = TEXTS.map((_, i) =>
        cells.slice(i * width, (i + 1) * width).filter((token) => token !== ''),
      );
      expect(rows).toEqual(TEXTS.map((text) => tokensOf(text, cut)));
    },
  );

  it('becomes (1 + ln count) x (ln((1 + n) / (1 + df)) + 1), scaled to length 1 a row', async () => {
    const texts = [
      ...Array<string>(5).fill('red apple'),
      ...Array<string>(4).fill('red red car'),
      'green apple apple apple',
      null,
    ];
    const table = tableOf(textColumn(texts));
    const preparation = fitPreparation(table.columns, range(11), STANDARD);
    const [fit] = preparation.fits;
    if (fit?.kind !== 'text') throw new Error('no text was fitted');
    const [words, characters] = fit.vocabularies;
    // «green», «car» alone and most pairs are too rare, or in three texts at least.
    expect(words?.grams).toEqual([
      ['apple'],
      ['car'],
      ['red'],
      ['red', 'apple'],
      ['red', 'car'],
      ['red', 'red'],
    ]);
    const weight = (texts: number): number => Math.log(12 / (1 + texts)) + 1;
    expect(words?.weights[0]).toBeCloseTo(weight(6), 2);
    const at = characters?.grams.findIndex((gram) => gram.join('') === 'app') ?? -1;
    expect(characters?.weights[at]).toBeCloseTo(weight(6), 2);
    const { values, width } = await prepareMatrix(table, preparation, range(11), signal);
    const plain = [0, weight(4), (1 + Math.LN2) * weight(9), 0, weight(4), weight(4)];
    const length = Math.hypot(...plain);
    const block = preparation.blocks[0];
    expect(block).toMatchObject({ column: 'note', kind: 'words', from: 0, width: 6 });
    [...values.subarray(6 * width, 6 * width + 6)].forEach((value, i) =>
      expect(value).toBeCloseTo((plain[i] ?? NaN) / length, 3),
    );
    const runs = preparation.blocks[1];
    expect(runs).toMatchObject({ kind: 'characters', from: 6, width: characters?.grams.length });
    // «red apple», «red red car», «green apple apple apple»: no, no and three times «app».
    const said = (row: number): number => values[row * width + runs.from + at] ?? NaN;
    expect([said(0) > 0, said(6), said(9) > said(0)]).toEqual([true, 0, true]);
    expect(values.subarray(10 * width, 11 * width).every((value) => value === 0)).toBe(true);
  });

  it('has the same features in every bit wherever it stands in a batch', async () => {
    const texts = Array.from(
      { length: 90 },
      (_, i) => `the ${i % 7} red ${i % 5} apple${'s'.repeat(i % 3)} of ${i % 11}`,
    );
    const table = tableOf(textColumn(texts));
    const preparation = fitPreparation(table.columns, range(90), STANDARD);
    const inputs = typedInputs(signatureInputs(preparation));
    const features = preparedFeatures(preparation, inputs);
    const model = modelBytes({ name: 'texts', inputs: Object.values(inputs), outputs: { features } });
    const { values, width } = await prepareMatrix(table, preparation, range(90), signal);
    await withSession(model, {}, async (session) => {
      for (const rows of [range(90), range(90).reverse(), range(13), Int32Array.of(71)]) {
        const answer = asFloat32((await session.run(rawFeeds(table, ['note'], rows)))['features']);
        const alike = rows.every((row, i) =>
          values
            .subarray(row * width, (row + 1) * width)
            .every((value, j) => Object.is(value, answer[i * width + j])),
        );
        expect(alike).toBe(true);
      }
    });
  });

  it('keeps the n-grams that tell the classes apart where not all fit', () => {
    const filler = (i: number): string => `w${i % 40} v${i % 37} u${i % 31}`;
    const texts = Array.from(range(800), (i) => `${filler(i)} ${i % 4 === 0 ? 'win' : 'see'} you`);
    const column = textColumn(texts);
    const label = Array.from(range(800), (i) => (i % 4 === 0 ? 'spam' : 'ham'));
    const target = fitTarget({ ...textColumn(label), kind: 'category' }, 'classification', {
      training: range(600),
      validation: range(0),
    });
    const encoding = { ...STANDARD, textWidth: 16 };
    const [fit] = fitPreparation([column], range(600), encoding, target).fits;
    if (fit?.kind !== 'text') throw new Error('no text was fitted');
    const words = fit.vocabularies[0]?.grams.map((gram) => gram.join(' '));
    expect(words).toEqual(expect.arrayContaining(['see', 'win', 'see you', 'win you']));
    expect(words).not.toContain('you');
  });

  it('a text of 1 MB is cut where it is read, and one in the data makes blocks short, not wide', async () => {
    const huge = 'lorem ipsum dolor '.repeat(60_000);
    const cell = parseCell({ v: 1, name: 'note', type: 'text', missing: [] }, huge);
    expect(cell.ok && String(cell.value).length).toBe(4000);
    const pairs = parseCell({ v: 1, name: 'note', type: 'text', missing: [] }, `x${'😀'.repeat(3000)}`);
    // One code unit less than 4,000: half a character would be none.
    expect(pairs.ok && String(pairs.value).length).toBe(3999);
    const column = textColumn([...Array.from(range(30), (i) => (i % 2 ? 'lorem dolor' : 'sit amet')), huge]);
    expect(blockRows([column])).toBe(3);
    const table = tableOf(column);
    const preparation = fitPreparation(table.columns, range(31), RAW);
    const { values, width } = await prepareMatrix(table, preparation, range(31), signal);
    expect(
      Math.hypot(...values.subarray(30 * width, 30 * width + (preparation.blocks[0]?.width ?? 0))),
    ).toBeCloseTo(1, 5);
  });

  it('texts without one n-gram in common are no feature', () => {
    const column = textColumn(Array.from(range(40), (i) => `${(i * 7919).toString(36)}`));
    expect(() => fitPreparation([column], range(40), { ...STANDARD })).toThrow('no feature column is left');
  });

  it('token ids: 0 is nothing, 1 unknown, the most frequent first, cut or filled to the length', async () => {
    const column = textColumn(['b b b a a', 'a b!', 'once', null]);
    const fit = fitTokens(column, range(4), { size: 10, length: 4, cut: 'words-and-signs' });
    expect(fit.tokens).toEqual(['b', 'a']);
    const ids = await answer(['B a ? b a a', '', 'once'], (text) => tokenIds(fit, text));
    expect(Array.from(ids, Number)).toEqual([2, 3, 1, 2, 0, 0, 0, 0, 1, 0, 0, 0]);
    const empty = await answer(['', ''], (text) => tokenIds(fit, text));
    expect(Array.from(empty, Number)).toEqual(Array<number>(8).fill(0));
  });
});

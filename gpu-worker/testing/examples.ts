/** Small learnable tables and a silent listener, for tests of training. */
import { randomKey, randomUnit } from '../../onnx';
import type { Epoch, ModelSpec } from '../../contracts';
import type { Table } from '../data/table';
import type { TrainRequest, TrainVoice } from '../train/train-table';
import { tableOf } from './table';

const uniform = (rows: number, stream: number): number[] => {
  const key = randomKey(2026, stream);
  return Array.from({ length: rows }, (_, i) => 2 * randomUnit(key, i) - 1);
};

const everyFifth = (row: number): boolean => row % 5 === 0;

/** y = 3a - 2b + a·b + shift by category, with gaps in `a`; every 5th row held out. */
export const regressionTable = (rows = 400): Table => {
  const [a, b, noise] = [uniform(rows, 1), uniform(rows, 2), uniform(rows, 3)];
  const kind = Array.from(
    { length: rows },
    (_, i) => ['low', 'high', 'rare'][i % 50 === 49 && i < 200 ? 2 : i % 2] ?? '',
  );
  const y = a.map((value, i) => {
    const shift = kind[i] === 'high' ? 5 : 0;
    return 100 + 3 * value - 2 * (b[i] ?? 0) + value * (b[i] ?? 0) + shift + 0.1 * (noise[i] ?? 0);
  });
  return tableOf({ a: a.map((value, i) => (i % 17 === 0 ? null : value)), b, kind, y }, everyFifth);
};

/** Three classes by angle of (a, b), the third of them rare. */
export const classTable = (rows = 600): Table => {
  const [a, b] = [uniform(rows, 4), uniform(rows, 5)];
  const label = a.map((value, i) =>
    value * value + (b[i] ?? 0) ** 2 < 0.12 ? 'inner' : value > 0 ? 'right' : 'left',
  );
  return tableOf({ a, b, label }, everyFifth);
};

export const request = (
  spec: ModelSpec | Record<string, unknown>,
  more: Partial<TrainRequest> = {},
): TrainRequest => ({
  target: 'y',
  task: 'regression',
  holdout: { kind: 'hash', salt: '', fraction: 0.2 },
  exclude: [],
  spec: spec as ModelSpec,
  seed: 7,
  device: null,
  ...more,
});

export const classRequest = (spec: ModelSpec | Record<string, unknown>): TrainRequest =>
  request(spec, { target: 'label', task: 'classification' });

export const listener = (): TrainVoice & { epochs: Epoch[]; abort: () => void } => {
  const controller = new AbortController();
  const epochs: Epoch[] = [];
  return {
    signal: controller.signal,
    abort: () => controller.abort(),
    champion: null,
    epochs,
    progress: (_phase, _fraction, detail) => epochs.push(...(detail?.epochs ?? [])),
  };
};

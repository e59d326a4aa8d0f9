/** How much a figure would move with other rows of the same kind. */
import type { Estimate } from '../../contracts';
import { randomBits, randomKey } from '../../onnx';
import type { Sample } from './sample';

/** Rows drawn in all; the number of replicates follows from it, within [FEWEST, MOST]. */
const DRAWS = 5_000_000;
const [FEWEST, MOST] = [200, 1000];
/** Tells these draws apart from others of the same seed. */
const METRICS = 0xb008;
const TURN_MS = 100;

/** Writes how often each row is drawn; a pure function of the key. */
export type Draw = (weights: Uint16Array, key: number) => void;

/**
 * Every metric that the sample has, with its 95 % percentile bootstrap interval (Efron and Tibshirani 1993, ch. 13): rows
 * are drawn with replacement, each by itself unless `draw` says otherwise; all metrics are taken of the same draw.
 * Deterministic for a seed.
 */
export const bootstrapMetrics = async (
  sample: Sample,
  seed: number,
  signal: AbortSignal,
  draw: Draw = drawRows,
): Promise<Record<string, Estimate>> => {
  const { rows, work = rows } = sample;
  const whole = sample.metrics();
  const replicates = Math.max(FEWEST, Math.min(MOST, Math.floor(DRAWS / Math.max(work, 1))));
  const drawn = new Map(Object.keys(whole).map((name) => [name, [] as number[]]));
  const weights = new Uint16Array(rows);
  let turned = performance.now();
  for (let replicate = 0; replicate < replicates && rows > 0; replicate++) {
    draw(weights, randomKey(seed, METRICS, replicate));
    for (const [name, value] of Object.entries(sample.metrics(weights)))
      if (value !== null) drawn.get(name)?.push(value);
    if (performance.now() - turned < TURN_MS) continue;
    await new Promise(setImmediate);
    signal.throwIfAborted();
    turned = performance.now();
  }
  const estimates: Record<string, Estimate> = {};
  for (const [name, value] of Object.entries(whole))
    if (value !== null) estimates[name] = { value, ...percentiles(drawn.get(name) ?? [], replicates) };
  return estimates;
};

/** What the sample says, where draws would not say how much it moves. */
export const withoutIntervals = (sample: Sample): Record<string, Estimate> =>
  Object.fromEntries(
    Object.entries(sample.metrics()).flatMap(([name, value]) =>
      value === null ? [] : [[name, { value, low: null, high: null }]],
    ),
  );

/** As many rows as there are, each by itself. */
const drawRows: Draw = (weights, key) => {
  const rows = weights.length;
  // A local name: looking up a module's export millions of times is what would take the time.
  const draw = randomBits;
  weights.fill(0);
  for (let i = 0; i < rows; i++) weights[Math.floor((draw(key, i) / 2 ** 32) * rows)]++;
};

/** Null where a tenth of the draws left the figure undefined: what is left would not be its distribution. */
const percentiles = (values: number[], replicates: number): Pick<Estimate, 'low' | 'high'> => {
  if (values.length < 0.9 * replicates) return { low: null, high: null };
  const sorted = Float64Array.from(values).sort();
  return {
    low: sorted[Math.floor(sorted.length * 0.025)],
    high: sorted[Math.ceil(sorted.length * 0.975) - 1],
  };
};

/** What the report of a forecast says of held-out windows. */
import type { Coverage, EvaluationReport } from '../../contracts';
import { blocksOf } from './blocks';
import { bootstrapMetrics, withoutIntervals } from './bootstrap';
import { forecastSample, quantilesHeld } from './forecast';
import type { Forecasts } from './forecast';
import { drawn } from './explanations';
import type { Findings } from './report';
import { residuals } from './residuals';
import { shareOf } from './shares';

interface Evidence {
  readonly forecasts: Forecasts;
  /** Of the last known step, one a window. */
  readonly instants: Float64Array;
  /** Windows that the quantiles were fitted on. */
  readonly fittedOn: number;
  readonly seed: number;
  readonly signal: AbortSignal;
}

const MOST_RESIDUALS = 100_000;
const RESIDUALS = 7;
const UNITS_OF_THEIR_OWN: EvaluationReport['leftOut'][number] = {
  section: 'residuals',
  why: 'several columns are forecast, each in units of its own',
};

/** Of fewer blocks than this the intervals would be far too narrow. */
const FEWEST_BLOCKS = 10;

export const forecastFindings = async (evidence: Evidence): Promise<Findings> => {
  const { forecasts, instants, seed, signal } = evidence;
  const blocks = blocksOf(instants, forecasts.horizon);
  const sample = forecastSample(forecasts);
  const sections = {
    residuals: residualsSection(evidence),
    conformal: conformalSection(evidence, blocks.count),
  };
  const unlike = forecasts.series > 1 ? [UNITS_OF_THEIR_OWN] : [];
  if (blocks.count >= FEWEST_BLOCKS)
    return {
      metrics: await bootstrapMetrics(sample, seed, signal, blocks.draw),
      ...sections,
      leftOut: unlike,
    };
  const why = `windows overlap and are drawn in blocks of at least the horizon, ${forecasts.horizon} steps; the held-out part has ${blocks.count.toFixed(1)} of them, and intervals need ${FEWEST_BLOCKS}`;
  return {
    metrics: withoutIntervals(sample),
    ...sections,
    leftOut: [...unlike, { section: 'intervals of metrics', why }],
  };
};

/** Of all steps ahead together. */
const residualsSection = ({ forecasts, seed }: Evidence): EvaluationReport['residuals'] => {
  const { series, predicted, actual } = forecasts;
  if (series > 1) return null;
  const places = drawn(actual.length, MOST_RESIDUALS, seed, RESIDUALS).filter(
    (place) => !Number.isNaN(actual[place]),
  );
  const of = (values: ArrayLike<number>): Float64Array => Float64Array.from(places, (place) => values[place]);
  return residuals(of(predicted), of(actual)) ?? null;
};

/** Windows of one block say little more than one of them, so the intervals are those of as many rows as there are blocks. */
const conformalSection = (
  { forecasts, instants, fittedOn }: Evidence,
  blocks: number,
): EvaluationReport['conformal'] => {
  const held = quantilesHeld(forecasts).map(({ level, share, size }): Coverage | null => {
    const inside = shareOf(share * blocks, blocks);
    return inside && { level, inside: { ...inside, rows: instants.length }, size };
  });
  const coverage = held.filter((one) => one !== null);
  return coverage.length === 0
    ? null
    : { fit: { kind: 'quantiles', method: 'error-quantiles', rows: fittedOn }, coverage };
};

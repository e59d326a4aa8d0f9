/** What the report of a forecast says of held-out windows. */
import type { Coverage, EvaluationReport } from '../../contracts';
import { blocksOf } from './blocks';
import { bootstrapMetrics, withoutIntervals } from './bootstrap';
import { forecastSample, quantilesHeld } from './forecast';
import type { Forecasts } from './forecast';
import type { Findings } from './report';
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

/** Of fewer blocks than this the intervals would be far too narrow. */
const FEWEST_BLOCKS = 10;

export const forecastFindings = async (evidence: Evidence): Promise<Findings> => {
  const { forecasts, instants, seed, signal } = evidence;
  const blocks = blocksOf(instants, forecasts.horizon);
  const sample = forecastSample(forecasts);
  const conformal = conformalSection(evidence, blocks.count);
  if (blocks.count >= FEWEST_BLOCKS)
    return { metrics: await bootstrapMetrics(sample, seed, signal, blocks.draw), conformal, leftOut: [] };
  const why = `windows overlap and are drawn in blocks of at least the horizon, ${forecasts.horizon} steps; the held-out part has ${blocks.count.toFixed(1)} of them, and intervals need ${FEWEST_BLOCKS}`;
  return {
    metrics: withoutIntervals(sample),
    conformal,
    leftOut: [{ section: 'intervals of metrics', why }],
  };
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

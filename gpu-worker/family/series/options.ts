/** What a forecast is asked for, with everything that the request leaves open decided from the data. */
import { Failure, ForecastOptions, MOST_FORECAST_NUMBERS } from '../../../contracts';
import type { ModelSpec } from '../../../contracts';

export const forecastOptions = (spec: ModelSpec): ForecastOptions =>
  ForecastOptions.parse(('forecast' in spec ? spec.forecast : undefined) ?? {});

interface Shape {
  readonly season: number;
  readonly horizon: number;
  readonly lookback: number;
}

/** A horizon that nobody asked for. */
const LONGEST_HORIZON = 96;
const USUAL_HORIZON = 12;
/** The look-back takes at most so much of what can be learned from. */
const LOOKBACK_SHARE = 1 / 3;

/**
 * @param season of the step of the data
 * @param steps that may be learned from, and that are held out, at most, in one series
 */
export const shapeOf = (
  { horizon, lookback, season }: Pick<ForecastOptions, 'horizon' | 'lookback' | 'season'>,
  family: string,
  usual: number,
  steps: { readonly learnable: number; readonly heldOut: number },
): Shape => {
  // Three seasons at least, or the data cannot show one.
  const chosen = season ?? (usual * 3 <= steps.learnable ? usual : 1);
  const asked = horizon ?? Math.min(chosen > 1 ? chosen : USUAL_HORIZON, LONGEST_HORIZON);
  const room = Math.max(1, Math.min(Math.floor(steps.learnable / 6), steps.heldOut || Infinity));
  const ahead = horizon ?? Math.min(asked, room);
  if (steps.heldOut > 0 && ahead > steps.heldOut)
    throw new Failure(
      'TOO_FEW_ROWS',
      `${steps.heldOut} steps are held out; a horizon of ${ahead} steps needs at least ${ahead} of them to be judged`,
      { path: ['spec', 'forecast', 'horizon'], hint: 'choose a shorter horizon, or hold more rows out' },
    );
  const most = Math.max(2, Math.floor((steps.learnable - 2 * ahead) * LOOKBACK_SHARE));
  return {
    season: chosen,
    horizon: ahead,
    lookback: lookback ?? Math.min(most, usualLookback(family, chosen, ahead)),
  };
};

/** A model that could not answer is not trained. */
export const requireServable = (horizon: number, targets: number, levels: number): void => {
  const numbers = horizon * targets * (1 + levels);
  if (numbers <= MOST_FORECAST_NUMBERS) return;
  throw new Failure(
    'BAD_SPEC',
    `${horizon} steps of ${targets} targets with ${levels} quantiles are ${numbers} numbers, more than one answer may have`,
    {
      path: ['spec', 'forecast', 'horizon'],
      hint: `choose fewer steps, targets or quantiles: at most ${MOST_FORECAST_NUMBERS} numbers`,
    },
  );
};

/** Seasons that models of this kind read; a recurrent network pays for every step. */
const usualLookback = (family: string, season: number, horizon: number): number => {
  if (family === 'rnn') return Math.min(96, Math.max(24, 2 * season));
  const seasons = season === 1 ? 32 : season < 12 ? 8 : season < 24 ? 3 : 14;
  return Math.min(512, Math.max(season * seasons, Math.min(2 * horizon, 512)));
};

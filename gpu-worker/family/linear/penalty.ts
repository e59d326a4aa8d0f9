/** Which penalty: the one given, or the one whose model does best on rows that it did not learn from. */
import type { LinearSpec } from '../../../contracts';

/** Where nothing is given and no validation rows are there to choose by. */
const DEFAULT = 1;
/** Penalties that are tried, as shares of the number of rows: a standardised feature weighs as much. */
const SHARES = [10, 3, 1, 0.3, 0.1, 0.03, 0.01, 3e-3, 1e-3, 3e-4, 1e-4, 1e-5, 1e-6];
/** Smaller penalties after so many that did worse are not tried. */
const PATIENCE = 3;

export interface Chosen<W> {
  readonly penalty: number;
  readonly weights: W;
}

/**
 * From the largest penalty to the smallest, each from the weights of the one before; the best by `validate`, the largest
 * among equals.
 */
export const choosePenalty = async <W>(
  { l2 }: LinearSpec,
  { trainingRows, validationRows }: { readonly trainingRows: number; readonly validationRows: number },
  solve: (penalty: number, before: W | undefined) => W | Promise<W>,
  validate: (weights: W) => Promise<number>,
  tried: (share: number) => void,
): Promise<Chosen<W>> => {
  if (l2 !== 'auto' || validationRows === 0) {
    const penalty = l2 === 'auto' ? DEFAULT : l2;
    return { penalty, weights: await solve(penalty, undefined) };
  }
  let best: (Chosen<W> & { readonly loss: number }) | undefined;
  let before: W | undefined;
  let worse = 0;
  for (const [at, share] of SHARES.entries()) {
    const penalty = share * trainingRows;
    const weights = await solve(penalty, before);
    const loss = await validate(weights);
    before = weights;
    tried((at + 1) / SHARES.length);
    if (best === undefined || loss < best.loss) {
      best = { penalty, weights, loss };
      worse = 0;
    } else if (++worse >= PATIENCE) break;
  }
  if (best === undefined) throw new Error('no penalty was tried');
  return best;
};

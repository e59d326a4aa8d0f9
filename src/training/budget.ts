/** What a caller lets a training cost. Every limit is hard; what is left out does not limit. */
import { Failure } from '../../contracts';
import type { ModelSpec } from '../../contracts';
import type { UnitPrice } from './ports';
import { Purse } from './purse';
import type { DevicePrices } from './purse';
import type { Job, JobCap, PriceText } from './training.entity';

export interface Budget {
  /** Wall-clock, from the first step of the training to its model. */
  readonly seconds?: number | null;
  readonly trials?: number | null;
  /** Nano units of the plan's currency. */
  readonly amountNano?: bigint | null;
}

const LEAST_SECONDS = 1;
const MOST_SECONDS = 604_800;
const MOST_TRIALS = 10_000;
const ASK = 'quoteTraining says what to expect';

const refuse = (field: keyof Budget, message: string, hint: string): Failure =>
  new Failure('BAD_INPUT', message, { path: ['budget', field], hint });

/** Fails with BAD_INPUT for a budget that nothing can be trained within. */
const check = ({ seconds, trials, amountNano }: Budget): void => {
  if (seconds != null && !(seconds >= LEAST_SECONDS && seconds <= MOST_SECONDS)) {
    throw refuse('seconds', `nothing is trained in ${seconds} s`, `give 1 to ${MOST_SECONDS} seconds`);
  }
  if (trials != null && !(Number.isInteger(trials) && trials >= 1 && trials <= MOST_TRIALS)) {
    throw refuse('trials', `nothing is trained by ${trials} trials`, `give 1 to ${MOST_TRIALS} trials`);
  }
  if (amountNano != null && amountNano <= 0n) throw refuse('amountNano', 'no money buys no training', ASK);
};

/**
 * The spec and the cap of a job under a budget. An automatic training keeps its seconds and trials in its spec, where its
 * search plans with them; any other family is one trial, and its seconds are in the cap.
 */
export const withBudget = (
  spec: ModelSpec,
  budget: Budget | null | undefined,
  prices: DevicePrices,
): { readonly spec: ModelSpec; readonly cap: JobCap | null } => {
  if (budget == null) return { spec, cap: null };
  check(budget);
  const amountNano = budget.amountNano ?? null;
  if (amountNano !== null) checkAmount(amountNano, prices);
  const money = amountNano === null ? null : { amountNano: String(amountNano), ...pricesText(prices) };
  if (spec.family === 'auto') {
    const limited = {
      ...spec,
      seconds: budget.seconds ?? spec.seconds,
      trials: budget.trials ?? spec.trials,
    };
    return { spec: limited, cap: money === null ? null : { seconds: null, money } };
  }
  return { spec, cap: { seconds: budget.seconds ?? null, money } };
};

const checkAmount = (amountNano: bigint, prices: DevicePrices): void => {
  const ms = new Purse(amountNano, prices).buysMs('cpu');
  if (ms === null || ms >= LEAST_SECONDS * 1000) return;
  const message = `this buys ${(ms / 1000).toFixed(3)} s of training, and 1 s is needed at least`;
  throw refuse('amountNano', message, ASK);
};

const textOf = (price: UnitPrice | null): PriceText | null =>
  price && { amountNano: String(price.amountNano), perQuantity: String(price.perQuantity) };
const pricesText = ({ cpu, gpu }: DevicePrices): { cpu: PriceText | null; gpu: PriceText | null } => ({
  cpu: textOf(cpu),
  gpu: textOf(gpu),
});
const priceOf = (text: PriceText | null): UnitPrice | null =>
  text && { amountNano: BigInt(text.amountNano), perQuantity: BigInt(text.perQuantity) };

/** Wall-clock seconds that the job may take; null: no limit. */
export const secondsOf = ({ spec, cap }: Pick<Job, 'spec' | 'cap'>): number | null =>
  spec.family === 'auto' ? spec.seconds : (cap?.seconds ?? null);

export const trialsOf = ({ spec }: Pick<Job, 'spec'>): number | null =>
  spec.family === 'auto' ? spec.trials : 1;

/** The job's whole amount at the prices of its start; null: no limit. */
export const purseOf = ({ cap }: Pick<Job, 'cap'>): Purse | null =>
  cap?.money == null
    ? null
    : new Purse(BigInt(cap.money.amountNano), {
        cpu: priceOf(cap.money.cpu),
        gpu: priceOf(cap.money.gpu),
      });

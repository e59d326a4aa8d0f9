/** The best of the trials joined into one model. */
import { Failure } from '../../contracts';
import type { ConcreteSpec, FoldScore, ModelSignature, TrialOutcome } from '../../contracts';
import { inlineModel, op } from '../../onnx';
import type { Value } from '../../onnx';
import { outputInBlocks } from '../engine/in-blocks';
import { trainConcrete } from '../family/concrete';
import type { TrainingContext } from '../family/data';
import type { Trained } from '../family/trained';
import { rawFeeds } from '../prepare/matrix';
import { MARGIN, makingSeconds } from './making';
import { OutOfFold, ensembleWeights, joinedOutputs } from './ensemble';
import { unionInputs } from './inputs';
import { outputWidth, pooled } from './score';
import { searchCurve } from './search-curve';
import { artefactOf, refitSpec } from './trial';
import type { FoldedData, TrialFiles } from './trial';

export interface TrialArtefact {
  readonly outcome: Extract<TrialOutcome, { status: 'done' }>;
  readonly files: TrialFiles;
}

export interface Assembled extends Trained {
  /** Of each candidate that takes part. */
  readonly weights: ReadonlyMap<number, number>;
}

/** With this many rows judged, weights are as good as they get; until then all candidates need the same folds. */
const ENOUGH_ROWS = 5000;

interface Candidate {
  readonly candidate: number;
  readonly spec: ConcreteSpec;
  readonly trials: readonly TrialArtefact[];
  readonly folds: readonly FoldScore[];
  readonly outOfFold: OutOfFold;
}

type Member = Candidate & { readonly weight: number };

/** One model within the ensemble: counts `weight`. */
interface Part {
  readonly weight: number;
  readonly onnx: Uint8Array;
  readonly inputs: ModelSignature['inputs'];
}

/**
 * Weights are chosen on rows that no member learned from. A member is the mean of its fold models; where time orders the
 * rows those saw too little of the present, so it is trained once more on all rows, as long as its folds did on average.
 * Members and second trainings that `context.leftMs` has no room for are left out.
 */
export const assemble = async (
  data: FoldedData,
  artefacts: readonly TrialArtefact[],
  context: TrainingContext,
): Promise<Assembled> => {
  const { target, training } = data.whole;
  const candidates = candidatesOf(data, artefacts);
  const searched = searchCurve(artefacts.map(({ outcome }) => outcome));
  const library = commonLibrary(candidates, data);
  const rows = rowsOf(library, training);
  const outputs = library.map(({ outOfFold }) => outOfFold.of(rows));
  const leftSeconds = (): number => (context.leftMs?.() ?? Infinity) / 1000;
  const seconds = (some: readonly Candidate[]): number => makingOf(some, training.length);
  const weights = affordable(ensembleWeights(outputs, target, rows, context.seed), leftSeconds(), (places) =>
    seconds(places.flatMap((at) => library[at] ?? [])),
  );
  const soonest = candidates.reduce((least, one) => (seconds([one]) < seconds([least]) ? one : least));
  const alone = async (one: Candidate): Promise<Assembled> => {
    const own = rowsOf([one], training);
    const member = { ...one, weight: 1 };
    const outOfSample = { rows: own, outputs: one.outOfFold.of(own) };
    return joined(data, [member], await partsOf(data, member, context, () => 0), { searched, outOfSample });
  };
  if (weights === undefined) return alone(bestWithin(leftSeconds(), candidates, data) ?? soonest);
  const members = library
    .map((candidate, at) => ({ ...candidate, weight: weights[at] ?? 0 }))
    .filter(({ weight }) => weight > 0);
  const making = MARGIN * seconds(members);
  const parts: Part[] = [];
  for (const member of [...members].sort((one, other) => other.weight - one.weight))
    parts.push(...(await partsOf(data, member, context, () => leftSeconds() - making)));
  const outOfSample = { rows, outputs: joinedOutputs(outputs, weights) };
  const whole = joined(data, members, parts, { searched, outOfSample });
  if (members.length === 1 && members[0]?.candidate === soonest.candidate) return whole;
  return { ...whole, simpler: { trained: await alone(soonest), seconds: seconds([soonest]) } };
};

/** Those that all of `candidates` were judged on. */
const rowsOf = (candidates: readonly Candidate[], training: Int32Array): Int32Array =>
  training.filter((row) => candidates.every(({ outOfFold }) => outOfFold.has(row)));

const joined = (
  data: FoldedData,
  members: readonly Member[],
  parts: readonly Part[],
  evidence: Required<Pick<Trained, 'searched' | 'outOfSample'>>,
): Assembled => ({
  spec: members.reduce((most, member) => (member.weight > most.weight ? member : most)).spec,
  inputs: unionInputs(
    data.whole.columns,
    parts.map(({ inputs }) => inputs),
  ),
  output: (given) => weightedSum(parts, given),
  predict: (asked, signal) => predictParts(parts, data, asked, signal),
  history: [],
  ...evidence,
  weights: new Map(members.map(({ candidate, weight }) => [candidate, weight])),
});

const candidatesOf = (data: FoldedData, artefacts: readonly TrialArtefact[]): Candidate[] => {
  const whole = artefacts.filter(({ outcome }) => outcome.trial.rowShare >= 1);
  const numbers = [...new Set(whole.map(({ outcome }) => outcome.trial.candidate))].sort((a, b) => a - b);
  return numbers.flatMap((number) =>
    candidateOf(
      data,
      whole.filter(({ outcome }) => outcome.trial.candidate === number),
    ),
  );
};

/** `trials`: of one candidate; none of none. */
const candidateOf = (data: FoldedData, trials: readonly TrialArtefact[]): Candidate[] => {
  const [first] = trials;
  if (first === undefined) return [];
  const { candidate, spec } = first.outcome.trial;
  const width = outputWidth(data.whole.target);
  const outOfFold = new OutOfFold(data.whole.target, data.whole.table.rows);
  for (const { outcome, files } of trials) {
    let from = 0;
    for (const { fold, rows } of outcome.folds) {
      outOfFold.add(data.validation(fold), files.predictions.subarray(from, from + rows * width));
      from += rows * width;
    }
  }
  const folds = trials.flatMap(({ outcome }) => outcome.folds);
  return [{ candidate, spec, trials, folds, outOfFold }];
};

/** The best that a model can be made of by then, with all of its trials or the first of them. */
const bestWithin = (
  left: number,
  candidates: readonly Candidate[],
  data: FoldedData,
): Candidate | undefined =>
  candidates
    .flatMap(({ trials }) => trials.map((_, at) => trials.slice(0, at + 1)))
    .filter((trials) => makingOf([{ trials }], data.whole.training.length) <= left)
    .flatMap((trials) => candidateOf(data, trials))
    .sort((one, other) => pooled(one.folds).loss - pooled(other.folds).loss)[0];

/**
 * Those judged on the same rows: with few rows the candidates that came as far as the best one, with many also those that
 * were left behind. The more rows judge, the fewer candidates are there to choose from.
 */
const commonLibrary = (candidates: readonly Candidate[], data: FoldedData): Candidate[] => {
  if (candidates.length === 0) throw new Failure('INTERNAL', 'no trial of the search came to a model');
  const losses = candidates.map(({ folds }) => pooled(folds).loss);
  const most = candidates[losses.indexOf(Math.min(...losses))]?.folds.length ?? 0;
  for (let folds = 1; folds < most; folds++) {
    const rows = new Set<number>();
    for (let fold = 0; fold < folds; fold++) for (const row of data.validation(fold)) rows.add(row);
    if (rows.size < ENOUGH_ROWS) continue;
    return candidates.filter((candidate) => candidate.folds.length >= folds);
  }
  return candidates.filter(({ folds }) => folds.length >= most);
};

const makingOf = (candidates: readonly Pick<Candidate, 'trials'>[], rows: number): number =>
  makingSeconds(
    rows,
    candidates.flatMap(({ trials }) => trials.map(({ outcome }) => outcome)),
  );

/** The heaviest of `weights` that a model can be made of within `left` seconds, adding up to 1 again; undefined: none. */
const affordable = (
  weights: readonly number[],
  left: number,
  seconds: (places: readonly number[]) => number,
): number[] | undefined => {
  const wanted = [...weights.keys()].filter((at) => (weights[at] ?? 0) > 0);
  const kept: number[] = [];
  for (const at of wanted.sort((one, other) => (weights[other] ?? 0) - (weights[one] ?? 0))) {
    // The first may have all of the time: what has the most to say goes before the report.
    const margin = kept.length === 0 ? 1 : MARGIN;
    if (margin * seconds([...kept, at]) <= left) kept.push(at);
  }
  if (kept.length === wanted.length) return [...weights];
  const total = kept.reduce((sum, at) => sum + (weights[at] ?? 0), 0);
  return total === 0 ? undefined : weights.map((weight, at) => (kept.includes(at) ? weight / total : 0));
};

/** `spareSeconds`: for learning once more. */
const partsOf = async (
  data: FoldedData,
  member: Member,
  context: TrainingContext,
  spareSeconds: () => number,
): Promise<Part[]> => {
  if (data.split === 'time' && refitSeconds(member) < spareSeconds()) {
    const all = data.whole.split(data.whole.training, new Int32Array(0));
    const enough = (): boolean => spareSeconds() <= 0;
    const trained = await trainConcrete(refitSpec(member.spec, member.folds), all, { ...context, enough });
    // One that was cut short knows less than the folds' models.
    if (!enough())
      return [{ weight: member.weight, onnx: artefactOf([trained], trained.inputs), inputs: trained.inputs }];
  }
  return member.trials.map(({ outcome, files }) => ({
    weight: (member.weight * outcome.folds.length) / member.folds.length,
    onnx: files.onnx,
    inputs: outcome.inputs,
  }));
};

/** Folds by time see half of the rows on average. */
const refitSeconds = ({ trials, folds }: Candidate): number =>
  (2 * trials.reduce((sum, { outcome }) => sum + outcome.seconds, 0)) / folds.length;

const weightedSum = (parts: readonly Part[], columns: Readonly<Record<string, Value>>): Value => {
  const terms = parts.map(({ onnx, inputs, weight }) => {
    const read = inputs.flatMap(({ spec }): [string, Value][] => {
      const column = columns[spec.name];
      return column === undefined ? [] : [[spec.name, column]];
    });
    const { output } = inlineModel(onnx)(Object.fromEntries(read));
    if (output === undefined) throw new Error('a trial has an output');
    return parts.length === 1 ? output : op.Mul(output, weight);
  });
  const [first, ...others] = terms;
  if (first === undefined) throw new Error('an ensemble needs a member');
  return others.reduce((sum, term) => op.Add(sum, term), first);
};

/** Part by part, apart from the joined graph. */
const predictParts = async (
  parts: readonly Part[],
  data: FoldedData,
  rows: Int32Array,
  signal: AbortSignal,
): Promise<Float32Array> => {
  const { table } = data.whole;
  const outputs: Float32Array[] = [];
  for (const { onnx } of parts)
    outputs.push(
      await outputInBlocks(
        onnx,
        rows.length,
        (from, to, names) => rawFeeds(table, names, rows.subarray(from, to)),
        signal,
      ),
    );
  return joinedOutputs(
    outputs,
    parts.map(({ weight }) => weight),
  );
};

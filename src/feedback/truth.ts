import { Failure } from '../../contracts';
import type { ModelSignature } from '../../contracts';

/** A number, a class, or of a forecast `[step][target]`, null where it is not known (yet). */
export type Truth = string | number | readonly (readonly (number | null)[])[];

type Path = readonly (string | number)[];
const PATH: Path = ['actual'];

/** What a partner says turned out to be true, checked against what the model answers. */
export const truthOf = (given: unknown, signature: ModelSignature): Truth => {
  switch (signature.task) {
    case 'regression':
      return numberOf(given, signature.target ?? 'the truth', PATH);
    case 'classification':
    case 'anomaly':
      return classOf(given, signature);
    case 'forecast':
      return stepsOf(given, signature);
    case 'clustering':
    case 'synthesis':
      throw new Failure('NO_TRUTH', `what a ${signature.task} answers is never right or wrong`, {
        hint: 'feedback is for: regression, classification, anomaly, forecast',
      });
  }
};

const numberOf = (given: unknown, name: string, path: Path): number => {
  const value = typeof given === 'string' && given.trim() !== '' ? Number(given) : given;
  if (typeof value !== 'number' || !Number.isFinite(value))
    throw new Failure('WRONG_TYPE', `${name} is a number`, { path });
  return value;
};

const classOf = (given: unknown, { target, classes }: ModelSignature): string => {
  const name = target ?? 'the truth';
  if (typeof given !== 'string' && typeof given !== 'number' && typeof given !== 'boolean')
    throw new Failure('WRONG_TYPE', `${name} is one of its classes`, { path: PATH });
  const folded = String(given).trim().toLowerCase();
  const match =
    classes.find((known) => known === String(given)) ??
    classes.find((known) => known.toLowerCase() === folded);
  if (match === undefined)
    throw new Failure('UNKNOWN_CATEGORY', `${name} has no such class`, {
      path: PATH,
      hint: `one of: ${classes.slice(0, 50).join(', ')}`,
    });
  return match;
};

/** The later steps may be left out: their time has not come. */
const stepsOf = (given: unknown, { horizon = 0, targets = [] }: ModelSignature): (number | null)[][] => {
  const hint = `as in the answer: up to ${horizon} steps, each [${targets.join(', ')}]; null where not known`;
  const wrong = (message: string, path: Path): Failure => new Failure('WRONG_TYPE', message, { path, hint });
  if (!Array.isArray(given) || given.length > horizon)
    throw wrong(`the truth of a forecast is an array of up to ${horizon} steps`, PATH);
  const steps = (given as unknown[]).map((cells, step) => {
    const path = [...PATH, step];
    if (!Array.isArray(cells) || cells.length !== targets.length)
      throw wrong(`a step has ${targets.length} values, one a target`, path);
    return (cells as unknown[]).map((cell, at) =>
      cell === null ? null : numberOf(cell, targets[at] ?? '', [...path, at]),
    );
  });
  if (steps.flat().every((cell) => cell === null)) throw wrong('no step has a value yet', PATH);
  return steps;
};

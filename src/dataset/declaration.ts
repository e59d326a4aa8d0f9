/** Reads what a caller declared: each refusal names the field and, where the choices are a closed set, all of them. */
import { DATA_FORMATS, Failure, Sha256, TASKS, isUuid, oneOf } from '../../contracts';
import type { ScenarioId } from '../../contracts';
import type { DeclareDataset } from './dataset.service';

export interface Declaration {
  readonly scenarioId: string;
  readonly name: string;
  readonly format: string;
  readonly sizeBytes: bigint;
  readonly sha256?: string | null;
  readonly target?: string | null;
  readonly task?: string | null;
  readonly holdoutFraction?: number | null;
  readonly exclude?: readonly string[] | null;
}

const choice = <T extends string>(field: string, got: string, choices: readonly T[]): T => {
  const found = choices.find((each) => each === got);
  if (found === undefined)
    throw new Failure('BAD_INPUT', oneOf(field, got, choices), { path: ['input', field] });
  return found;
};

const sha256 = (text: string): Sha256 => {
  const parsed = Sha256.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new Failure('BAD_INPUT', 'sha256 takes 64 hexadecimal digits in lower case', {
    path: ['input', 'sha256'],
  });
};

export const parseDeclaration = (input: Declaration): DeclareDataset => {
  if (!isUuid(input.scenarioId)) throw new Failure('NOT_FOUND', 'no such scenario');
  return {
    scenarioId: input.scenarioId as ScenarioId,
    name: input.name,
    format: choice('format', input.format, DATA_FORMATS),
    sizeBytes: Number(input.sizeBytes),
    sha256: input.sha256 == null ? null : sha256(input.sha256),
    target: input.target ?? null,
    task: input.task == null ? null : choice('task', input.task, TASKS),
    holdoutFraction: input.holdoutFraction ?? null,
    exclude: input.exclude ?? null,
  };
};

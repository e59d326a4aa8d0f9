/** Reads what a caller declared. */
import { Failure, Sha256, isUuid } from '../../contracts';
import type { DataFormat, LearningTask, ScenarioId } from '../../contracts';
import type { DeclareDataset } from './dataset.service';

export interface Declaration {
  readonly scenarioId: string;
  readonly name: string;
  readonly format: DataFormat;
  readonly sizeBytes: bigint;
  readonly sha256?: string | null;
  readonly target?: string | null;
  readonly task?: LearningTask | null;
  readonly holdoutFraction?: number | null;
  readonly holdoutGroup?: string | null;
  readonly exclude?: readonly string[] | null;
  readonly sensitive?: readonly string[] | null;
}

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
    ...input,
    scenarioId: input.scenarioId as ScenarioId,
    sizeBytes: Number(input.sizeBytes),
    sha256: input.sha256 == null ? null : sha256(input.sha256),
  };
};

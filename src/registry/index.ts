/**
 * A **model** belongs to a scenario; a **model version** is an immutable manifest that names one ONNX file and its
 * sidecars by sha-256. The manifest's own sha-256 is the version's identity.
 */
export { Model, ModelVersion } from './registry.entity';
export { Registry, manifestIdentity } from './registry.service';
export type { NewModelVersion } from './registry.service';
export { ModelResolver, ModelVersionResolver } from './registry.resolver';
export { ComparisonType, EpochType, ModelVersionType, toEpoch, toModelVersion } from './registry.types';
export { PhaseEnum, ProblemType } from './problem.types';

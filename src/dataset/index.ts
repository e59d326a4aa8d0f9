/**
 * A **dataset** belongs to a scenario; a **dataset version** is one state of its rows: declared, uploaded, validated and
 * sealed, immutable from then on and named by its sha-256.
 */
export {
  Dataset,
  DatasetVersion,
  DATASET_VERSION_STATES,
  DATASET_VERSION_TRANSITIONS,
} from './dataset.entity';
export type { DatasetVersionState, SealedVersion } from './dataset.entity';
export { DatasetService, excludedColumns } from './dataset.service';
export type { DatasetParts, DatasetProgress, DeclareDataset, DeclaredDataset } from './dataset.service';
export type { StorageMeter } from './storage-meter';
export { DatasetResolver } from './dataset.resolver';

import type { ScenarioId } from '../../contracts';
import type { TenantTx } from '../platform/database';

/** Told of every file that is kept or let go, in the transaction that does so: storage is billed by bytes and time. */
export interface StorageMeter {
  storageChanged(
    tx: TenantTx,
    change: {
      readonly objectKey: string;
      readonly bytes: number;
      readonly scenarioId: ScenarioId | null;
      readonly event: 'created' | 'deleted';
    },
  ): Promise<void>;
}

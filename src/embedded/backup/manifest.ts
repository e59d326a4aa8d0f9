import { z } from 'zod';

export const BackupManifest = z.object({
  v: z.literal(1),
  createdAt: z.string(),
  migrations: z.array(z.string()),
  tables: z.array(
    z.object({ name: z.string(), columns: z.array(z.string()), rows: z.number().int(), sha256: z.string() }),
  ),
  sequences: z.array(z.object({ name: z.string(), value: z.string(), called: z.boolean() })),
  objects: z.array(z.object({ key: z.string(), sha256: z.string(), sizeBytes: z.number().int() })),
});
export type BackupManifest = z.infer<typeof BackupManifest>;

export const MANIFEST = 'manifest.json';

export interface BackupCounts {
  readonly tables: number;
  readonly rows: number;
  readonly objects: number;
}

export const countsOf = ({ tables, objects }: BackupManifest): BackupCounts => ({
  tables: tables.length,
  rows: tables.reduce((sum, table) => sum + table.rows, 0),
  objects: objects.length,
});

/** Reaches the platform of a data folder, running or stopped, for a backup. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DataFolder, StartError } from '../data-folder';
import { postgresUrl } from '../postgres';
import { startEmbedded } from '../platform';

export const DATABASE = 'modelmint';

export interface Reached {
  /** Sees every row. */
  readonly superuserUrl: string;
  readonly natsUrl: string;
  readonly objectStoreUrl: string;
  close(): Promise<void>;
}

interface Written {
  readonly secrets: { readonly postgresSuperuser: string; readonly nats: string };
  readonly state: { readonly postgresPort?: number; readonly natsPort?: number };
}

const written = (dataDir: string): Written => {
  const read = (name: string): unknown => {
    try {
      return JSON.parse(readFileSync(join(dataDir, name), 'utf8'));
    } catch (cause) {
      throw new StartError(`${dataDir} is not the data folder of a platform: ${name} cannot be read`, {
        cause,
      });
    }
  };
  return {
    secrets: read('secrets.json') as Written['secrets'],
    state: read('state.json') as Written['state'],
  };
};

const running = (dataDir: string): boolean => {
  try {
    DataFolder.open(dataDir).close();
    return false;
  } catch (error) {
    if (error instanceof StartError) return true;
    throw error;
  }
};

/** A stopped platform is started for the time being: what its stream still holds belongs to the backup. */
export const reach = async (dataDir: string, env: NodeJS.ProcessEnv): Promise<Reached> => {
  written(dataDir);
  const started = running(dataDir)
    ? null
    : await startEmbedded({ dataDir, port: 0, env, tell: () => undefined });
  const { secrets, state } = written(dataDir);
  return {
    superuserUrl: postgresUrl('postgres', secrets.postgresSuperuser, state.postgresPort ?? 0, DATABASE),
    natsUrl: env['NATS_URL'] ?? `nats://modelmint:${secrets.nats}@127.0.0.1:${state.natsPort ?? 0}`,
    objectStoreUrl: env['OBJECT_STORE_URL'] ?? pathToFileURL(join(dataDir, 'objects')).href,
    close: async () => started?.stop(),
  };
};

import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isAlive } from '../../src/embedded/child';
import { startNats } from '../support/nats';
import { startPostgres } from '../support/postgres';
import { launch, scratchFolder } from './launcher';

it('npm start uses a database, a nats-server and an object store that it is given, and stops none of them', async () => {
  const folder = scratchFolder();
  const [postgres, nats] = await Promise.all([startPostgres(), startNats()]);
  const objects = join(folder.path, 'elsewhere');
  mkdirSync(objects);
  const dataDir = join(folder.path, 'data');
  const launched = launch(['--port', '0', '--data-dir', dataDir, '--no-example'], {
    env: {
      DATABASE_URL: postgres.ownerUrl,
      NATS_URL: nats.url,
      OBJECT_STORE_URL: pathToFileURL(objects).href,
    },
  });
  try {
    const [, url] = await launched.said(/GraphQL\s+(http:\S+)\/graphql[^]*Ctrl-C/);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    expect(['pg', 'nats', 'objects'].filter((name) => existsSync(join(dataDir, name)))).toEqual([]);
    launched.child.kill('SIGINT');
    expect(await launched.ended).toBe(0);
    // Both still run: they are not ours to stop.
    expect([postgres.server.pid, nats.pid].map(isAlive)).toEqual([true, true]);
  } finally {
    launched.child.kill('SIGKILL');
    await launched.ended;
    await Promise.all([postgres.stop(), nats.stop()]);
    folder.remove();
  }
});

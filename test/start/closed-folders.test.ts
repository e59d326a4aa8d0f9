import { statSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { cloneInClosedFolder } from './clone';
import { launch, removeData } from './launcher';

/** Only root meets the difficulty: PostgreSQL then runs as another account, which cannot enter these folders. */
const asRoot = process.getuid?.() === 0 ? describe : describe.skip;

asRoot('npm start as root', () => {
  it.each([
    ['under root’s home', () => homedir()],
    ['in a folder of mode 0700', () => tmpdir()],
  ])('%s works, and its data survives', async (_, parent) => {
    const clone = cloneInClosedFolder(parent());
    const pg = join(clone.root, '.modelmint', 'pg');
    try {
      for (const start of [1, 2]) {
        const launched = launch(['--port', '0', '--no-example'], { root: clone.root });
        try {
          const [, url] = await launched.said(/GraphQL\s+(http:\S+)\/graphql[^]*Ctrl-C/);
          expect((await fetch(`${url}/readyz`)).status).toBe(200);
          expect(launched.output().includes('API key')).toBe(start === 1);
          if (start === 1) expect(launched.output()).toMatch(/PostgreSQL's data lies in \/var\/\S+/);
          // The data belongs to an account that is not root, and only to it.
          expect(statSync(pg).uid).not.toBe(0);
          expect(statSync(pg).mode & 0o077).toBe(0);
          launched.child.kill('SIGINT');
          expect(await launched.ended).toBe(0);
        } finally {
          launched.child.kill('SIGKILL');
          await launched.ended;
        }
      }
    } finally {
      removeData(join(clone.root, '.modelmint'));
      clone.remove();
    }
  });
});

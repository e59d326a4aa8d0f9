/** A training that was interrupted, as bytes and back. */
import { z } from 'zod';
import type { Tree } from './forest';
import type { Round } from './train-forest';

export interface PartialForest {
  readonly trees: readonly Tree[];
  readonly history: readonly Round[];
}

const PartialForest = z.object({
  v: z.literal(1),
  fingerprint: z.string(),
  trees: z.array(
    z.object({
      feature: z.array(z.number().int()),
      // JSON has no infinite numbers: they are written as text.
      threshold: z.array(z.union([z.number(), z.enum(['Infinity', '-Infinity']).transform(Number)])),
      categories: z.array(z.array(z.number()).nullable()),
      missingLeft: z.array(z.number()),
      left: z.array(z.number().int()),
      right: z.array(z.number().int()),
      value: z.array(z.number()),
      cover: z.array(z.number()),
      gain: z.array(z.number()),
    }),
  ),
  history: z.array(
    z.object({
      round: z.number().int(),
      loss: z.number().nullable(),
      validationLoss: z.number().nullable(),
    }),
  ),
});

/** `fingerprint`: of everything that the forest depends on. */
export const writePartial = (fingerprint: string, partial: PartialForest): Uint8Array =>
  new TextEncoder().encode(
    JSON.stringify({ v: 1, fingerprint, ...partial }, (_, value: unknown) =>
      value === Infinity || value === -Infinity ? String(value) : value,
    ),
  );

/** Undefined for what is no state of this very training: it then starts from the beginning. */
export const readPartial = (fingerprint: string, bytes: Uint8Array): PartialForest | undefined => {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
  const read = PartialForest.safeParse(json);
  return read.success && read.data.fingerprint === fingerprint ? read.data : undefined;
};

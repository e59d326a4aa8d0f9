import type { Engine } from '../engine/engine';

export declare const specs: Readonly<Record<string, unknown>>;
export declare const answers: (
  parts: Readonly<Record<string, unknown>>,
  engine: Engine,
) => Promise<Record<string, number[]>>;

import type { Engine } from '../engine/engine';

export declare const specs: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
export declare const answers: (
  parts: Readonly<Record<string, unknown>>,
  engine: Engine,
  some?: Readonly<Record<string, unknown>>,
) => Promise<Record<string, number[]>>;

export * from './compile';
export * from './forward';
export { WeightLayout, type Parameters, type Weights } from './layout';
export * from './losses';
export * from './optimizer';
export type { L2 } from './penalty';
export * from './random';
export * from './schedule';
export { trainingStep } from './step';

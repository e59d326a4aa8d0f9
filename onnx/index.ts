export * from './errors';
export * from './tensor';
export * from './value';
export * from './emit';
export * as op from './op';
export { readModel } from './proto/read';
export { writeModel } from './proto/write';
export type * from './proto/model';
export { gradients, differentiableOps } from './gradient';

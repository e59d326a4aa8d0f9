export * from './control';
export * from './convolution';
export * from './elementwise';
export * from './layout';
export {
  Gemm,
  LayerNormalization,
  LogSoftmax,
  MatMul,
  Softmax,
  type GemmOptions,
  type ReduceOptions,
} from './linear';
export * from './reduce';
export * from './text';

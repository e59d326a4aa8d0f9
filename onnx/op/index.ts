export * from './control';
export * from './convolution';
export * from './elementwise';
export * from './layout';
export {
  BatchNormalization,
  Gemm,
  LayerNormalization,
  LogSoftmax,
  MatMul,
  Softmax,
  type BatchStatistics,
  type GemmOptions,
  type ReduceOptions,
} from './linear';
export * from './recurrent';
export * from './reduce';
export * from './text';
export * from './trees';

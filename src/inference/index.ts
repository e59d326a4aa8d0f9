/**
 * Inference: a **runner** is a process that holds onnxruntime sessions and nothing else; a **route** is what an address
 * means at the moment; a **prediction** is one answered request, whose usage event was stored before its answer left.
 */
export { RunnerPool } from './runner/pool';
export type { RunnerPoolOptions } from './runner/pool';
export { RunnerGoldenReplay } from './golden';
export { RouteCache } from './route-cache';
export type { Freshness } from './route-cache';
export { Predictions } from './prediction.service';
export type { PredictRequest, Prediction } from './prediction.service';
export { PredictionLog, storePredictions } from './prediction-log';
export type { RecordedPrediction } from './prediction-log';
export { LogPacker } from './log-packer';
export type { PackPolicy } from './log-packer';
export type { Answer } from './answers';
export type { RawRow } from './rows';
export { InferenceResolver } from './inference.resolver';

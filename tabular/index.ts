/**
 * Raw cells to typed values: one pure module that upload and prediction share, so that «1,234», «?» and 3.4.2024 mean the
 * same in both. A column's spec is fitted once (`inferColumn`) and travels with every model made from the data.
 */
export { LIMITS } from './limits';
export type { ColumnSpec, NumberFormat } from './spec';
export { isMissing, parseCell } from './cell';
export type { CellProblem, CellResult, CellValue } from './cell';
export { bytesOfBase64, decodeImage, encodeImage, imageHead } from './image';
export type { ImageHead, ImageProblem, ImageSize } from './image';
export { canonicalSpellings, inferColumn } from './infer';
export type { ColumnSummary, Inferred } from './infer';
export { parseNumber } from './number';
export type { NumberResult } from './number';
export { cleanText, fold, MISSING_TOKENS, oneOfNames } from './text';
export { isoMicros, parseTime } from './time';
export { chooseDelimiter, records, splitRecord } from './delimited';
export { guessTask } from './task';
export type { TargetSummary } from './task';

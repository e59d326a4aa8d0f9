export { openSealed, readBytes, runTrain } from './run-train';
export type { Sealed } from './run-train';
export type { Searcher } from './train-table';

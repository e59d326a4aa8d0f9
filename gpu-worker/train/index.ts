export { runTrain } from './run-train';

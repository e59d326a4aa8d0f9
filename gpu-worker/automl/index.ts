export { runSearch } from './search-task';
export { runTrials } from './trial-task';

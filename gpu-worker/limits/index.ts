export { spawnLimited } from './limited-process';
export type { LimitedProcess, ProcessLimits } from './limited-process';
export { MemoryWatch } from './memory-watch';
export { dieWithParent } from './parent-watch';

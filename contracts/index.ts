/** The only code that gateway and worker share: messages, subjects, failure codes, ids. No I/O. */
export * from './ids';
export * from './failure';
export * from './column';
export * from './spec';
export * from './training';
export * from './search';
export * from './evaluation';
export * from './task';
export * from './usage';
export * from './subjects';
export * from './canonical';

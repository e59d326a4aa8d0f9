/**
 * Layers of several operators that more than one family needs. Each takes its weights by name and works in training
 * and in the exported model alike, or says which of the two forms it is.
 */
export * from './attention';
export * from './dense';
export * from './fused';
export * from './names';
export * from './normalization';
export * from './recurrent';

import { readModel } from '../../onnx';

const STANDARD = new Set(['', 'ai.onnx', 'ai.onnx.ml']);

/** Operators of a file that are not of the ONNX standard, as `domain.name`, each once. */
export const foreignOperators = (onnx: Uint8Array): string[] => {
  const { graph, opsetImports } = readModel(onnx);
  if (opsetImports.every(({ domain }) => STANDARD.has(domain))) return [];
  const names = graph.nodes
    .filter(({ domain }) => !STANDARD.has(domain))
    .map(({ domain, op }) => `${domain}.${op}`);
  return [...new Set(names)].sort();
};

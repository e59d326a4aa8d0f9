/** A graph that cannot be built: the message names the operator and the shapes or types that do not fit. */
export class GraphError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'GraphError';
  }
}

/** Bytes that are not a readable ONNX model. Never thrown for anything else. */
export class OnnxFormatError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'OnnxFormatError';
  }
}

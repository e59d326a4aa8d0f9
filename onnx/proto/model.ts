import type { Dtype, Shape, Tensor } from '../tensor';

/** The messages of onnx.proto that this project reads and writes, as plain data. */
export interface ModelProto {
  readonly irVersion: number;
  readonly producerName?: string;
  readonly producerVersion?: string;
  readonly modelVersion?: number;
  readonly docString?: string;
  readonly opsetImports: readonly OpsetImport[];
  readonly graph: GraphProto;
  /** Written in the order given; keys are unique. */
  readonly metadata?: readonly (readonly [key: string, value: string])[];
}

export interface OpsetImport {
  /** '' is the standard operator set. */
  readonly domain: string;
  readonly version: number;
}

export interface GraphProto {
  readonly name: string;
  readonly nodes: readonly NodeProto[];
  readonly initializers: readonly NamedTensor[];
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  /** Types of values between, for readers that cannot infer them. Left out for none. */
  readonly between?: readonly ValueInfo[];
}

export interface NamedTensor extends Tensor {
  readonly name: string;
}

export interface ValueInfo {
  readonly name: string;
  /** Absent for values that are not tensors (sequences and maps of foreign models) or carry no type. */
  readonly dtype?: Dtype;
  /** Absent where even the rank is unknown; an unnamed unknown dimension reads as '?'. */
  readonly shape?: Shape;
}

export interface NodeProto {
  readonly op: string;
  readonly domain: string;
  readonly name: string;
  /** '' stands for an optional input that is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: readonly AttributeProto[];
}

export type AttributeProto = { readonly name: string } & AttributeContent;

export type AttributeContent =
  | { readonly type: 'float'; readonly value: number }
  | { readonly type: 'int'; readonly value: number | bigint }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'tensor'; readonly value: NamedTensor }
  | { readonly type: 'graph'; readonly value: GraphProto }
  | { readonly type: 'floats'; readonly value: readonly number[] }
  | { readonly type: 'ints'; readonly value: readonly (number | bigint)[] }
  | { readonly type: 'strings'; readonly value: readonly string[] };

/** AttributeProto.AttributeType. */
export const ATTRIBUTE_TYPES = {
  float: 1,
  int: 2,
  string: 3,
  tensor: 4,
  graph: 5,
  floats: 6,
  ints: 7,
  strings: 8,
} as const satisfies Record<AttributeContent['type'], number>;

/** The gateway's one door to onnxruntime. Loaded only by the runner process. */
import { readFileSync } from 'node:fs';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { Failure } from '../../../contracts';
import { bytesOfBase64, decodeImage } from '../../../tabular';
import type { ImageSize } from '../../../tabular';
import { VALUE_TYPES } from './protocol';
import type { Column, Output, RunOutputs } from './protocol';

/** onnxruntime's and libstdc++'s words for «the allocation was refused». */
const REFUSED_MEMORY =
  /bad_alloc|failed to allocate|allocat\w* memory|out of memory|Array buffer allocation/i;

const asModelFailure = (error: unknown): Failure => {
  const text = error instanceof Error ? error.message : String(error);
  return REFUSED_MEMORY.test(text)
    ? new Failure('MODEL_OUT_OF_MEMORY', 'the model needs more memory than a model may use', { cause: error })
    : new Failure('MODEL_FAILED', 'the model could not be computed', { cause: error });
};

export class ModelSession {
  private readonly inputs: ReadonlyMap<string, Input>;

  private constructor(private readonly session: InferenceSession) {
    this.inputs = new Map(
      session.inputMetadata.map((meta) => [
        meta.name,
        {
          flat: meta.isTensor && meta.shape.length < 2,
          picture: meta.isTensor ? pictureSize(meta) : undefined,
        },
      ]),
    );
  }

  /** Reads the file at once and opens it from memory: external data has nowhere to resolve against. */
  static async open(path: string): Promise<ModelSession> {
    try {
      return new ModelSession(
        await InferenceSession.create(readFileSync(path), {
          executionProviders: ['cpu'],
          intraOpNumThreads: 1,
          interOpNumThreads: 1,
          executionMode: 'sequential',
          graphOptimizationLevel: 'all',
          logSeverityLevel: 4,
        }),
      );
    } catch (error) {
      throw asModelFailure(error);
    }
  }

  /** Blocks this process until the model has answered: that is why it is a process of its own. */
  async run(columns: Readonly<Record<string, Column>>, rows: number): Promise<RunOutputs> {
    const feeds: Record<string, Tensor> = {};
    for (const [name, { flat, picture }] of this.inputs) {
      const column = columns[name];
      if (column === undefined) throw new Failure('MODEL_FAILED', `the model asks for a column ${name}`);
      feeds[name] =
        picture === undefined
          ? tensorOf(column, flat ? [rows] : [rows, column.length / rows])
          : pictures(name, column, picture);
    }
    const started = process.hrtime.bigint();
    let answer: InferenceSession.OnnxValueMapType;
    try {
      answer = await this.session.run(feeds);
    } catch (error) {
      throw asModelFailure(error);
    }
    const computeNs = process.hrtime.bigint() - started;
    return { rows, outputs: outputsOf(answer, rows), computeNs };
  }

  async close(): Promise<void> {
    await this.session.release();
  }
}

interface Input {
  readonly flat: boolean;
  /** Of an input of pictures, which come as base64 and are decoded here, in a process that may be killed. */
  readonly picture: ImageSize | undefined;
}

/** Pixels are the only bytes that a model takes: [rows, height, width, channels]. */
const pictureSize = ({ type, shape }: InferenceSession.TensorValueMetadata): ImageSize | undefined => {
  const [, height, width, channels] = shape.map(Number);
  return type === 'uint8' && shape.length === 4
    ? { height, width, channels: channels === 1 ? 1 : 3 }
    : undefined;
};

const pictures = (name: string, column: Column, size: ImageSize): Tensor => {
  const { height, width, channels } = size;
  const each = height * width * channels;
  const cells = column as string[];
  const pixels = new Uint8Array(cells.length * each);
  cells.forEach((cell, row) => {
    if (cell === '') return; // no picture is black, as it was in training
    const bytes = bytesOfBase64(cell);
    const decoded = bytes === undefined ? undefined : decodeImage(bytes, size);
    if (decoded?.ok !== true)
      throw new Failure('BAD_IMAGE', `column ${name} has a picture that cannot be read`, {
        hint: 'send a whole PNG or JPEG in base64',
      });
    pixels.set(decoded.pixels, row * each);
  });
  return new Tensor('uint8', pixels, [cells.length, height, width, channels]);
};

const tensorOf = (column: Column, dims: number[]): Tensor => {
  if (column instanceof Float64Array) return new Tensor('float64', column, dims);
  if (column instanceof BigInt64Array) return new Tensor('int64', column, dims);
  return new Tensor('string', column, dims);
};

/** Every output as it is; what it must be, the signature knows. */
const outputsOf = (answer: InferenceSession.OnnxValueMapType, rows: number): RunOutputs['outputs'] =>
  Object.fromEntries(
    Object.entries(answer).map(([name, { data }]): [string, Output] => {
      if (!Array.isArray(data) && !isOutputData(data))
        throw new Failure('MODEL_FAILED', `the model gave ${name} of a type that no answer has`);
      if (data.length % rows !== 0)
        throw new Failure('MODEL_FAILED', `the model gave ${data.length} values of ${name} for ${rows} rows`);
      return [name, { values: data, each: data.length / rows }];
    }),
  );

const isOutputData = (data: unknown): data is Exclude<Output['values'], string[]> =>
  VALUE_TYPES.some((type) => data instanceof type);

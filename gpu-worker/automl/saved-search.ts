/** A search on disk: where it goes on after its process was killed. */
import { z } from 'zod';
import { TrialOutcome, TrialSpec } from '../../contracts';
import type { TrialArtefact } from './assemble';

export interface SearchProgress {
  readonly outcomes: TrialOutcome[];
  /** Of the outcomes that are done, in their order. */
  readonly artefacts: TrialArtefact[];
  /** Planned and not yet run. */
  pending: TrialSpec[];
}

const Header = z.object({
  outcomes: z.array(TrialOutcome),
  pending: z.array(TrialSpec),
  /** Bytes of the two files of each artefact. */
  sizes: z.array(z.tuple([z.number().int(), z.number().int()])),
});

const PREFIX = 4;

/** Header length (uint32 little-endian), header as JSON, then model and predictions of each artefact. */
export const saveSearch = ({ outcomes, artefacts, pending }: SearchProgress): Uint8Array => {
  const files = artefacts.map(({ files: { onnx, predictions } }) => [onnx, bytesOf(predictions)] as const);
  const sizes = files.map(([onnx, predictions]) => [onnx.length, predictions.length]);
  const header = Buffer.from(JSON.stringify({ outcomes, pending, sizes }));
  const prefix = Buffer.alloc(PREFIX);
  prefix.writeUInt32LE(header.length);
  return Buffer.concat([prefix, header, ...files.flat()]);
};

export const loadSearch = (saved: Uint8Array): SearchProgress => {
  const all = Buffer.from(saved.buffer, saved.byteOffset, saved.byteLength);
  const from = PREFIX + all.readUInt32LE();
  const { outcomes, pending, sizes } = Header.parse(JSON.parse(all.toString('utf8', PREFIX, from)));
  const done = outcomes.flatMap((outcome) => (outcome.status === 'done' ? [outcome] : []));
  let at = from;
  const take = (size: number): Uint8Array => {
    at += size;
    return Uint8Array.from(all.subarray(at - size, at));
  };
  const artefacts = sizes.map(([onnx, predictions], i): TrialArtefact => {
    const outcome = done[i];
    if (outcome === undefined) throw new Error('a saved search has a file without its trial');
    return { outcome, files: { onnx: take(onnx), predictions: floatsOf(take(predictions)) } };
  });
  return { outcomes, pending, artefacts };
};

/** float32 little-endian, as every machine that onnxruntime runs on has them in memory. */
export const bytesOf = (values: Float32Array): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

export const floatsOf = (bytes: Uint8Array): Float32Array => new Float32Array(Uint8Array.from(bytes).buffer);

/** Which model is made where seconds are short. */
import type { EvaluationReport } from '../../contracts';
import { Sections } from '../evaluate/budget';
import type { Parts, Trained } from '../family/trained';

/** `silent`: without news, of what is made in case. */
type Make<T> = (trained: Trained, signal: AbortSignal, silent?: 'silent') => Promise<T>;

interface InTime<T> {
  readonly made: T;
  /** For the report. */
  readonly leftOut: EvaluationReport['leftOut'];
}

/** Kept for what comes after the report: the files' way to the store, and the news of them. */
export const storingMs = (onnx: Uint8Array): number => 400 + onnx.byteLength / 1e4;

/** Kept for the storing of a model that is not made yet. */
const STORING_MS = 500;
/** Of a model of many parts, this share is made first: how long that takes says how long all of it would. */
const FIRST_SHARE = 0.2;
/** So many times as long is kept for it: an estimate is one. */
const MARGIN = 1.5;

/** `make` of what was learned, or of as much of it, or of what is simpler, as can be made in the time that is left. */
export const inTime = async <T>(
  learned: Trained,
  leftMs: () => number,
  canceled: AbortSignal,
  make: Make<T>,
): Promise<InTime<T>> => {
  const { simpler, parts } = learned;
  if (leftMs() === Infinity) return { made: await make(learned, canceled), leftOut: [] };
  if (parts !== undefined) return partsInTime(learned, parts, leftMs, canceled, make);
  if (simpler === undefined) return { made: await make(learned, canceled), leftOut: [] };
  const first = new Sections(canceled, leftMs() - 1000 * simpler.seconds);
  const made = await first.make('model', () => make(learned, first.signal));
  return { made: made ?? (await make(simpler.trained, canceled)), leftOut: [] };
};

const partsInTime = async <T>(
  learned: Trained,
  { count, name, first }: Parts,
  leftMs: () => number,
  canceled: AbortSignal,
  make: Make<T>,
): Promise<InTime<T>> => {
  const few = Math.ceil(count * FIRST_SHARE);
  const started = performance.now();
  const fallback = await make(first(few), canceled, 'silent');
  const each = (performance.now() - started) / few;
  const roomMs = (): number => leftMs() - STORING_MS;
  const affordable = Math.min(count, Math.floor(roomMs() / (MARGIN * each)));
  const cut = (kept: number): InTime<T>['leftOut'] => [
    { section: `${name} after the first ${kept} of ${count}`, why: "the training's time was over" },
  ];
  if (affordable > few) {
    const room = new Sections(canceled, roomMs());
    const made = await room.make('model', () =>
      make(affordable < count ? first(affordable) : learned, room.signal),
    );
    if (made !== null) return { made, leftOut: affordable < count ? cut(affordable) : [] };
  }
  return { made: fallback, leftOut: few < count ? cut(few) : [] };
};

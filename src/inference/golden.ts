import { createHash } from 'node:crypto';
import { Failure, GoldenRows } from '../../contracts';
import type { ModelManifest, TenantId } from '../../contracts';
import type { GoldenReplay } from '../deployment';
import type { OpenFile } from './runner/model-files';
import type { RunnerPool } from './runner/pool';
import { answersOf } from './answers';
import { MAX_ROWS, RowParser } from './rows';

const MAX_GOLDEN_BYTES = 64 * 1024 * 1024;
/** The file computes the same as when it was verified, up to another machine's rounding. */
const TOLERANCE = 1e-4;

/** Asks a version its golden rows where it will be served, before anybody else may ask it. */
export class RunnerGoldenReplay implements GoldenReplay {
  constructor(
    private readonly pool: RunnerPool,
    private readonly open: OpenFile,
  ) {}

  /** Fails with VERIFY_FAILED when an answer differs, or as the model does. */
  async replay(tenantId: TenantId, manifest: ModelManifest): Promise<void> {
    const golden = await this.read(manifest);
    const parser = new RowParser(manifest.signature);
    const names = manifest.signature.inputs.map(({ spec }) => spec.name);
    for (let from = 0; from < golden.rows.length; from += MAX_ROWS) {
      const rows = golden.rows.slice(from, from + MAX_ROWS);
      // Golden rows may carry every column of the data; the model is asked with its own.
      const own = rows.map((row) => Object.fromEntries(names.map((name) => [name, row[name] ?? null])));
      const { batch } = parser.parse(own, 'USE_OTHER');
      const outputs = await this.pool.run({ tenantId, onnx: manifest.onnx }, batch);
      answersOf(outputs, manifest.signature).forEach((answer, index) => {
        const wanted = golden.predictions[from + index];
        const probabilities = golden.probabilities?.[from + index] ?? null;
        if (!agrees(answer.prediction, wanted) || !agreeAll(answer.probabilities, probabilities))
          throw new Failure(
            'VERIFY_FAILED',
            `golden row ${from + index} of ${golden.rows.length} is not answered as recorded`,
          );
      });
    }
  }

  private async read(manifest: ModelManifest): Promise<GoldenRows> {
    const { key, sha256, sizeBytes } = manifest.golden;
    if (sizeBytes > MAX_GOLDEN_BYTES) throw new Failure('VERIFY_FAILED', 'the golden rows are too large');
    const chunks: Buffer[] = [];
    const hash = createHash('sha256');
    for await (const chunk of await this.open(key)) {
      chunks.push(chunk as Buffer);
      hash.update(chunk as Buffer);
    }
    if (hash.digest('hex') !== sha256)
      throw new Failure('VERIFY_FAILED', 'the golden rows are not the registered ones');
    const parsed = GoldenRows.safeParse(JSON.parse(Buffer.concat(chunks).toString('utf8')));
    if (!parsed.success)
      throw new Failure('VERIFY_FAILED', 'the golden rows are not readable', { cause: parsed.error });
    return parsed.data;
  }
}

const agrees = (given: number | string, wanted: number | string | undefined): boolean => {
  if (typeof given === 'string' || typeof wanted === 'string') return String(given) === String(wanted);
  return wanted !== undefined && Math.abs(given - wanted) <= TOLERANCE * Math.max(1, Math.abs(wanted));
};

const agreeAll = (given: readonly number[] | null, wanted: readonly number[] | null): boolean =>
  wanted === null ||
  (given !== null && given.length === wanted.length && given.every((value, i) => agrees(value, wanted[i])));

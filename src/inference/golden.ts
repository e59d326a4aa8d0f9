import { createHash } from 'node:crypto';
import { Failure, GoldenRows } from '../../contracts';
import type { ModelManifest, RawCell, TenantId } from '../../contracts';
import { parseTime } from '../../tabular';
import type { GoldenReplay } from '../deployment';
import type { OpenFile } from './runner/model-files';
import type { RunnerPool } from './runner/pool';
import { answersOf } from './answers';
import type { Answer } from './answers';
import { RowParser } from './rows';

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
    const { inputs } = manifest.signature;
    for (let from = 0; from < golden.rows.length; from += parser.mostRows) {
      const rows = golden.rows.slice(from, from + parser.mostRows);
      // Golden rows may carry every column of the data; the model is asked with its own.
      const own = rows.map((row) =>
        Object.fromEntries(
          inputs.map(({ spec: { name }, window }) => [name, row[name] ?? (window === undefined ? null : [])]),
        ),
      );
      const { batch } = parser.parse(own, 'USE_OTHER');
      const outputs = await this.pool.run({ tenantId, onnx: manifest.onnx }, batch);
      answersOf(outputs, manifest.signature).forEach((answer, index) => {
        if (!isAsRecorded(answer, golden, from + index))
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

/** Intervals and sets are not recorded: they follow from what is. */
const isAsRecorded = (answer: Answer, golden: GoldenRows, at: number): boolean => {
  const { row, forecast } = answer;
  if (row !== undefined) {
    const made = golden.generated?.[at];
    return made !== undefined && Object.entries(made).every(([name, cell]) => agrees(row[name], cell));
  }
  if (!agrees(answer.prediction, golden.predictions[at])) return false;
  if (forecast === undefined) return agreeAll(answer.probabilities, golden.probabilities?.[at]);
  const wanted = golden.forecasts?.[at];
  return (
    wanted !== undefined &&
    agreeAll(forecast.prediction.flat(), wanted.prediction.flat()) &&
    agreeAll(forecast.quantiles.flat(2), wanted.quantiles.flat(2))
  );
};

const agrees = (given: RawCell | undefined, wanted: RawCell | undefined): boolean => {
  const [one, other] = [measured(given), measured(wanted)];
  if (typeof one !== 'number' || typeof other !== 'number') return one !== undefined && one === other;
  return Math.abs(one - other) <= TOLERANCE * Math.max(1, Math.abs(other));
};

/** Made-up instants are computed, and rounded, like numbers. */
const measured = (cell: RawCell | undefined): RawCell | undefined =>
  typeof cell === 'string' && INSTANT.test(cell) ? parseTime(cell, false) : cell;
const INSTANT = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/;

const agreeAll = (given: readonly number[] | null, wanted: readonly number[] | null | undefined): boolean =>
  wanted == null ||
  (given !== null && given.length === wanted.length && given.every((value, i) => agrees(value, wanted[i])));

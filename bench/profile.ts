/** One large CSV through validate, profile and seal: peak resident memory of the process and time, for 1 GB of text. */
import { createWriteStream, mkdtempSync, rmSync, statSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProfile } from '../gpu-worker/data';
import { localIo, profilePayload } from './local-task';
import { uniform as uniformFrom } from './random';
import { writeResults } from './results';

const quick = process.argv.includes('--quick');
const BYTES = quick ? 100e6 : 1e9;

/** Numbers, a category, a time and gaps; the target is a noisy sum. */
const generate = async (path: string): Promise<number> => {
  const uniform = uniformFrom(11, 0);
  const out = createWriteStream(path);
  out.write('a,b,c,d,e,f,g,kind,day,note,y\n');
  let rows = 0;
  for (let bytes = 0; bytes < BYTES;) {
    let block = '';
    for (let i = 0; i < 2000; i++, rows++) {
      const x = Array.from({ length: 7 }, () => (uniform() * 1000).toFixed(4));
      const gap = uniform() < 0.02 ? '' : x[1];
      const day = `2024-0${1 + Math.floor(uniform() * 9)}-1${Math.floor(uniform() * 10)}`;
      const y = (Number(x[0]) * 2 + Number(x[2]) + uniform()).toFixed(3);
      block += `${x[0]},${gap},${x.slice(2).join(',')},k${Math.floor(uniform() * 30)},${day},"n ${rows % 97}",${y}\n`;
    }
    bytes += block.length;
    if (!out.write(block)) await once(out, 'drain');
  }
  out.end();
  await once(out, 'finish');
  return rows;
};

const main = async (): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), 'bench-profile-'));
  try {
    const upload = join(folder, 'rows.csv');
    const rows = await generate(upload);
    const { size } = statSync(upload);
    const io = localIo(mkdtempSync(join(folder, 'scratch-')));
    const payload = profilePayload(upload, join(folder, 'sealed.parquet'));
    const started = performance.now();
    const result = await runProfile(payload, io);
    const seconds = (performance.now() - started) / 1000;
    if (result.rows !== rows) throw new Error(`${rows} rows were written and ${result.rows} sealed`);
    const peakMb = process.resourceUsage().maxRSS / 1024;
    console.log(
      `${rows} rows, ${Math.round(size / 1e6)} MB: ${seconds.toFixed(1)} s, peak ${Math.round(peakMb)} MiB`,
    );
    const alone = { baseline: null, baselineValue: null, ratio: null };
    const what = `${Math.round(size / 1e6)} MB of CSV, ${rows} rows x 11, validated, profiled and sealed`;
    writeResults('profile', [
      {
        figure: `${what}: peak memory of the process`,
        value: peakMb,
        unit: 'MiB',
        ...alone,
        target: '<= 1024 MiB',
        met: peakMb <= 1024,
      },
      { figure: `${what}: time`, value: seconds, unit: 's', ...alone, target: null, met: null },
    ]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

main().then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ColumnSpec } from '../../contracts';
import { readSealed } from '.';
import { Duck } from './duck';
import { DUCK_MEMORY_MB } from './profile';
import { writeSealed } from './seal';
import { profileBytes } from './testing/profile-file';
it('reads every one of 300,000 distinct decorated numbers', async () => {
  const rows = Array.from(
    { length: 300_000 },
    (_, i) => `"${(1000 + i).toLocaleString('en-US')}",${i * 1.5 + (i % 7)}`,
  );
  const { result, table } = await profileBytes(`a,y\n${rows.join('\n')}\n`);
  expect(result.profile[0]).toMatchObject({ type: 'number', missing: 0, min: 1000, max: 300_999 });
  expect(table.rows).toBe(300000);
});

it('reads many columns that each have many decorated cells', async () => {
  const columns = 40;
  const rows = Array.from({ length: 200 }, (_, row) => {
    const cells = Array.from(
      { length: columns },
      (_, at) => `"${(1000 + row * (at + 1)).toLocaleString('en-US')}"`,
    );
    return `${cells.join(',')},${row * 1.5 + (row % 7)}`;
  });
  const header = Array.from({ length: columns }, (_, at) => `a${at}`).join(',');
  const { table } = await profileBytes(`${header},y\n${rows.join('\n')}\n`);
  for (const at of [0, 17, columns - 1]) {
    const column = table.columns[at];
    if (column.kind !== 'number') throw new Error('thousands separators are numbers');
    expect([...column.values]).toEqual(Array.from({ length: 200 }, (_, row) => 1000 + row * (at + 1)));
  }
});

it('seals 2,000 columns, a quarter of them text, within its memory', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'modelmint-wide-'));
  const duck = await Duck.open({ folder, memoryMb: DUCK_MEMORY_MB, threads: 2 });
  try {
    const specs = Array.from({ length: 2000 }, (_, at): ColumnSpec => ({
      v: 1,
      name: `c${at}`,
      type: at % 4 === 0 ? 'category' : 'number',
      missing: [],
    }));
    const cells = specs.map(({ name, type }, at) =>
      type === 'category' ? `'v' || (range % 7) as ${name}` : `(range * ${at} % 1000)::double as ${name}`,
    );
    await duck.run(`create table typed as select range as row, ${cells.join(', ')} from range(500)`);
    const table = await readSealed(await writeSealed(duck, specs, folder, 'row % 5 = 0'), specs);
    expect(table.columns).toHaveLength(2000);
    expect(table.holdout.reduce((sum, held) => sum + held, 0)).toBe(100);
  } finally {
    duck.close();
    await rm(folder, { recursive: true });
  }
});

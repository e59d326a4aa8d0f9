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

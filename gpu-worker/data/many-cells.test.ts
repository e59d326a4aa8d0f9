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

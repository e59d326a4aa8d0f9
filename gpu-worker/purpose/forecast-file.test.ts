import { profileBytes } from '../data/testing/profile-file';
import { listener, request } from '../testing/examples';
import { trainTable } from '../train/train-table';

/** Two shops one after the other; the second one writes its hours in another zone, with gaps and repeated rows. */
const csv = (): string => {
  const lines = ['when,shop,weather,sales'];
  for (const shop of ['north', 'south'])
    for (let hour = 0; hour < 400; hour++) {
      if (shop === 'south' && hour % 29 === 3) continue;
      const at = new Date(Date.UTC(2024, 2, 20) + hour * 3_600_000);
      const local = new Date(at.getTime() + 2 * 3_600_000).toISOString().slice(0, 19);
      const when = shop === 'north' ? `${at.toISOString().slice(0, 19)}Z` : `${local}+02:00`;
      const sales = (40 + 9 * Math.sin((2 * Math.PI * hour) / 24) + ((hour * 7919) % 13) / 10).toFixed(2);
      lines.push(`${when},${shop},${['sun', 'rain'][hour % 2]},${sales}`);
      if (shop === 'south' && hour % 50 === 10) lines.push(`${when},${shop},sun,${sales}`);
    }
  return `${lines.join('\n')}\n`;
};

it('a file with gaps, repeated instants and two zones is sealed by time and forecast', async () => {
  const { result, table } = await profileBytes(csv(), 'sales', { task: 'forecast' });
  expect(result.task).toBe('forecast');
  expect(result.holdout).toMatchObject({ kind: 'time', column: 'when' });
  const spec = { family: 'linear', forecast: { group: 'shop', horizon: 12, lookback: 48 } };
  const asked = request(spec, { task: 'forecast', target: 'sales', holdout: result.holdout });
  const { manifest } = await trainTable(table, asked, listener());
  expect(manifest.signature.window).toEqual({
    order: 'when',
    group: 'shop',
    step: { unit: 'micros', count: 3_600_000_000 },
  });
  expect(manifest.forecast?.warnings).toEqual([
    expect.stringContaining('instants have more than one row'),
    expect.stringContaining('steps of one hour have no row'),
  ]);
  expect(manifest.metrics.test['mae']).toBeLessThan(manifest.metrics.baseline['mae'] ?? 0);
});

it('a target of text cannot be forecast', async () => {
  await expect(profileBytes(csv(), 'weather', { task: 'forecast' })).rejects.toMatchObject({
    code: 'TARGET_NOT_NUMERIC',
  });
});

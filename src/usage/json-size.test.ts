import { mostJsonBytes } from './json-size';

const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

it.each([
  [null, true, false, 0, -0, 1e21, -Number.MAX_VALUE, Number.MIN_VALUE, -1.2345678901234567e-300, 0.1 + 0.2],
  ['', 'plain', '"\\\n\u0000\u001f'.repeat(50), 'äß漢字😀'.repeat(50), '\ud800\udfff\udc00'.repeat(50)],
  [[], {}, [[]], [[1, 2], [null]], { '': '' }, { '\u0001"😀': [{ a: undefined }] }],
  [{ prediction: -0.1, probabilities: [1e-300, 1], set: ['a', '"'], forecast: { quantiles: [[[NaN]]] } }],
])('no JSON is longer than it is taken to be, %#', (...values) => {
  for (const value of values) expect(mostJsonBytes(value)).toBeGreaterThanOrEqual(bytesOf(value));
});

it('what is mostly numbers is not taken to be very much longer', () => {
  const value = Array.from({ length: 1000 }, (_, i) => Math.sin(i));
  expect(mostJsonBytes(value)).toBeLessThan(1.5 * bytesOf(value));
});

/**
 * The example data: houses with a price that follows from what they are, plus the dirt that real files have. Made by a
 * seeded generator, so every installation plays the same example.
 */

const DISTRICTS = ['Old Town', 'Harbour', 'Riverside', 'Hillside', 'Garden City', 'Station'] as const;
const DISTRICT_FACTOR: Record<(typeof DISTRICTS)[number], number> = {
  'Old Town': 1.35,
  Harbour: 1.2,
  Riverside: 1.1,
  Hillside: 1.0,
  'Garden City': 0.9,
  Station: 0.75,
};
const CONDITIONS = ['needs work', 'fair', 'good', 'renovated'] as const;
const CONDITION_FACTOR: Record<(typeof CONDITIONS)[number], number> = {
  'needs work': 0.78,
  fair: 0.92,
  good: 1.0,
  renovated: 1.15,
};

/** mulberry32: small, fast, good enough for an example; one 32-bit state. */
const uniformFrom = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
};

/** CSV text with header `area,rooms,age,district,distance,condition,price`: square metres, years, kilometres, euros. */
export const housePrices = (rows: number, seed: number): string => {
  const uniform = uniformFrom(seed);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  const pick = <T>(choices: readonly T[]): T => choices[Math.floor(uniform() * choices.length)];
  const lines = ['area,rooms,age,district,distance,condition,price'];
  for (let row = 0; row < rows; row++) {
    const area = Math.max(24, 95 + 38 * normal());
    const rooms = Math.max(1, Math.round(area / 27 + 0.7 * normal()));
    const age = Math.floor(uniform() ** 1.5 * 120);
    const district = pick(DISTRICTS);
    const distance = Math.max(0.2, 6 + 4 * normal());
    const condition = pick(CONDITIONS);
    const perSquareMetre =
      3400 * DISTRICT_FACTOR[district] * CONDITION_FACTOR[condition] * Math.exp(-0.035 * distance);
    const wear = 1 - 0.22 * Math.sin((Math.min(age, 90) / 90) * (Math.PI / 2));
    let price = area * perSquareMetre * wear * Math.exp(0.07 * normal()) + 9000 * rooms;
    if (uniform() < 0.004) price *= 2.2; // an outlier now and then
    const thousands = `"${Math.round(price).toLocaleString('en-US')}"`; // some offices write 312,000
    lines.push(
      [
        uniform() < 0.02 ? '' : area.toFixed(1),
        rooms,
        uniform() < 0.05 ? '' : age,
        uniform() < 0.03 ? district.toUpperCase() : district,
        uniform() < 0.04 ? '?' : distance.toFixed(2),
        uniform() < 0.03 ? '' : condition,
        uniform() < 0.1 ? thousands : Math.round(price),
      ].join(','),
    );
  }
  return `${lines.join('\n')}\n`;
};

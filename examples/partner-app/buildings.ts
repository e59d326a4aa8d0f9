/** The partner's own data: what buildings used in a winter month. Made here, so that the example needs no file. */

export interface Building {
  readonly area: number;
  readonly floors: number;
  readonly built: number;
  readonly heating: string;
  readonly outside: number | null;
}

const HEATING: Readonly<Record<string, number>> = { gas: 1, oil: 1.15, 'heat pump': 0.38, district: 0.9 };

/** A small generator with a seed: the same rows on every machine (Park and Miller's minimal standard). */
const uniformFrom = (seed: number) => {
  let state = seed;
  return (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
};

/** `load` in kilowatt-hours, with the noise that meters and people make. */
export const measuredBuildings = (count: number, seed: number): { building: Building; load: number }[] => {
  const uniform = uniformFrom(seed);
  const names = Object.keys(HEATING);
  return Array.from({ length: count }, () => {
    const area = Math.round(60 + 540 * uniform());
    const floors = 1 + Math.floor(4 * uniform());
    const built = 1950 + Math.floor(75 * uniform());
    const heating = names[Math.floor(names.length * uniform())] ?? 'gas';
    const outside = Math.round((16 * uniform() - 6) * 10) / 10;
    const loss = (1.9 - 0.016 * (built - 1950)) * (1 - 0.06 * floors) * Math.max(0, 19 - outside);
    const noise = 1 + 0.08 * (uniform() + uniform() - 1);
    const load = Math.round(area * loss * 0.11 * (HEATING[heating] ?? 1) * noise + 2.1 * area);
    // Some sensors are silent now and then.
    return { building: { area, floors, built, heating, outside: uniform() < 0.03 ? null : outside }, load };
  });
};

export const csvOf = (rows: readonly { building: Building; load: number }[]): Buffer => {
  const lines = rows.map(({ building: { area, floors, built, heating, outside }, load }) =>
    [area, floors, built, heating, outside ?? '', load].join(','),
  );
  return Buffer.from(`area,floors,built,heating,outside,load\n${lines.join('\n')}\n`);
};

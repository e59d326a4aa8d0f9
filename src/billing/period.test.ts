import { monthIn } from './period';

const iso = (timeZone: string, month: string) => {
  const { from, to } = monthIn(timeZone, month);
  return [from.toISOString(), to.toISOString()];
};

test('a month begins and ends at the tenant’s midnight, clock changes and new year included', () => {
  expect(iso('UTC', '2026-02')).toEqual(['2026-02-01T00:00:00.000Z', '2026-03-01T00:00:00.000Z']);
  expect(iso('Europe/Berlin', '2026-03')).toEqual(['2026-02-28T23:00:00.000Z', '2026-03-31T22:00:00.000Z']);
  expect(iso('America/New_York', '2026-12')).toEqual([
    '2026-12-01T05:00:00.000Z',
    '2027-01-01T05:00:00.000Z',
  ]);
  expect(iso('Asia/Kolkata', '2026-01')).toEqual(['2025-12-31T18:30:00.000Z', '2026-01-31T18:30:00.000Z']);
  expect(() => monthIn('UTC', '2026-13')).toThrow('2026-11');
});

test('months tile the years: each ends where the next begins, in zones of every kind', () => {
  for (const zone of [
    'UTC',
    'Europe/Berlin',
    'America/Sao_Paulo',
    'Asia/Kathmandu',
    'Pacific/Apia',
    'Australia/Lord_Howe',
  ])
    for (let year = 2009; year < 2013; year++)
      for (let month = 1; month <= 12; month++) {
        const name = (y: number, m: number) => `${y}-${String(m).padStart(2, '0')}`;
        const next = month === 12 ? name(year + 1, 1) : name(year, month + 1);
        expect(monthIn(zone, name(year, month)).to).toEqual(monthIn(zone, next).from);
      }
});

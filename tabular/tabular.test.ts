import fc from 'fast-check';
import { canonicalSpellings, inferColumn, parseCell, parseNumber, parseTime } from '.';
import type { ColumnSpec } from '.';

describe('numbers', () => {
  it('reads every finite double that it writes', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        fc.pre(Math.abs(value) <= Number.MAX_SAFE_INTEGER || String(value).includes('e'));
        expect(parseNumber(String(value))).toEqual({ ok: true, value: value === 0 ? 0 : value });
      }),
    );
  });

  it.each([
    ['1,234', { decimal: '.', group: ',' }, 1234],
    ['1,234,567.5', { decimal: '.', group: ',' }, 1234567.5],
    ['1.234,5', { decimal: ',', group: '.' }, 1234.5],
    ['3,14', { decimal: ',', group: '' }, 3.14],
    ['12 345', { decimal: '.', group: ' ' }, 12345],
    ['$ 3.50', { decimal: '.', group: '' }, 3.5],
    ['45 %', { decimal: '.', group: '' }, 45],
    ['(12)', { decimal: '.', group: '' }, -12],
    ['-$5', { decimal: '.', group: '' }, -5],
  ] as const)('reads %s', (text, format, value) => {
    expect(parseNumber(text, format)).toEqual({ ok: true, value });
  });

  it.each([
    ['1,23', { decimal: '.', group: ',' }, 'not-a-number'],
    ['12,34,567', { decimal: '.', group: ',' }, 'not-a-number'],
    ['nan', { decimal: '.', group: '' }, 'not-finite'],
    ['-Infinity', { decimal: '.', group: '' }, 'not-finite'],
    ['1e400', { decimal: '.', group: '' }, 'not-finite'],
    ['9007199254740993', { decimal: '.', group: '' }, 'out-of-range'],
    ['0x1F', { decimal: '.', group: '' }, 'not-a-number'],
    ['1_000', { decimal: '.', group: '' }, 'not-a-number'],
    ['', { decimal: '.', group: '' }, 'not-a-number'],
  ] as const)('refuses %s', (text, format, problem) => {
    expect(parseNumber(text, format)).toEqual({ ok: false, problem });
  });
});

describe('times', () => {
  it('reads every instant that it writes, to the millisecond', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date('1000-01-01'), max: new Date('2250-01-01'), noInvalidDate: true }),
        (date) => {
          expect(parseTime(date.toISOString(), false)).toBe(date.getTime() * 1000);
        },
      ),
    );
  });
  it.each([
    ['2012-10-02 9:00', false, Date.UTC(2012, 9, 2, 9)],
    ['3/27/2019 7:11 PM', false, Date.UTC(2019, 2, 27, 19, 11)],
    ['3/4/2019', true, Date.UTC(2019, 3, 3)],
    ['3/4/2019', false, Date.UTC(2019, 2, 4)],
    ['1949-01', false, Date.UTC(1949, 0, 1)],
    ['31 Jan 2020', false, Date.UTC(2020, 0, 31)],
    ['2026-01-31T13:45:00+02:00', false, Date.UTC(2026, 0, 31, 11, 45)],
  ])('reads %s', (text, dayFirst, ms) => expect(parseTime(text, dayFirst)).toBe(ms * 1000));
  it.each(['2012-13-01', '31/31/2020', '2019-02-30', 'tomorrow', '12', '2020-01-01 25:00'])(
    'refuses %s',
    (text) => expect(parseTime(text, false)).toBeNull(),
  );
});

describe('columns', () => {
  const summary = (others: [string, number][], plain: number, distinct = others.length) => ({
    name: 'a',
    rows: plain + others.reduce((sum, [, count]) => sum + count, 0),
    empty: 0,
    plain,
    distinct,
    others,
  });
  it.each([
    ['numbers with ? for missing', summary([['?', 5]], 95), 'number', ['?']],
    ['numbers with thousands', summary([['1,200', 40]], 60), 'number', []],
    [
      'the category None',
      summary(
        [
          ['None', 90],
          ['Labor Day', 10],
        ],
        0,
      ),
      'category',
      [],
    ],
    [
      'dates',
      summary(
        [
          ['2020-01-01', 50],
          ['2020-01-02', 50],
        ],
        0,
      ),
      'time',
      [],
    ],
    ['codes among numbers', summary([['A12', 50]], 50), 'category', []],
  ] as const)('%s', (_name, given, type, missing) => {
    const { spec } = inferColumn(given);
    expect([spec.type, spec.missing]).toEqual([type, missing]);
  });

  it('folds spellings to the most frequent one', () => {
    expect(
      canonicalSpellings([
        ['yes', 3],
        ['Yes', 5],
        [' YES ', 1],
        ['No', 2],
      ]),
    ).toEqual([
      ['no', 'No'],
      ['yes', 'Yes'],
    ]);
  });

  it('reads a prediction as it read the file', () => {
    const spec: ColumnSpec = {
      v: 1,
      name: 'c',
      type: 'category',
      missing: ['?'],
      category: { canonical: [['yes', 'Yes']] },
    };
    expect(['YES', ' yes', '?', '', 'maybe'].map((raw) => parseCell(spec, raw))).toEqual(
      ['Yes', 'Yes', null, null, 'maybe'].map((value) => ({ ok: true, value })),
    );
    const number: ColumnSpec = {
      v: 1,
      name: 'n',
      type: 'number',
      missing: [],
      number: { decimal: '.', group: ',' },
    };
    expect(parseCell(number, '1,234')).toEqual({ ok: true, value: 1234 });
    expect(parseCell(number, 'many')).toMatchObject({
      ok: false,
      problem: 'wrong-type',
      expected: expect.stringMatching(/number/) as string,
    });
  });
});

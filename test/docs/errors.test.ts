/** docs/errors.md is true: it names every code that there is, and none that there is not. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { FAILURES } from '../../contracts';

const PAGE = readFileSync(resolve(__dirname, '../../docs/errors.md'), 'utf8');
/** In capitals on the page, and not codes. */
const OTHERS = ['REJECTED', 'MIXED_VALUES', 'IDENTIFIER_COLUMN'];

const named = new Set([...PAGE.matchAll(/`([A-Z][A-Z_]+)`/g)].map(([, name]) => name));

it('names every code', () => expect(Object.keys(FAILURES).filter((code) => !named.has(code))).toEqual([]));

it('names no code that does not exist', () =>
  expect([...named].filter((name) => !Object.hasOwn(FAILURES, name) && !OTHERS.includes(name))).toEqual([]));

it('every table that has statuses has the right ones', () => {
  const rows = [...PAGE.matchAll(/^\|[^|]*\| (`[^|]*`) \| (\d{3}) \|$/gm)];
  expect(rows.length).toBeGreaterThan(12);
  const wrong = rows.flatMap(([, codes, status]) =>
    [...codes.matchAll(/[A-Z][A-Z_]+/g)]
      .map(([code]) => code as keyof typeof FAILURES)
      .filter((code) => FAILURES[code].http !== Number(status)),
  );
  expect(wrong).toEqual([]);
});

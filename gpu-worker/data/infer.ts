/** The type of each column of table `raw`, found from its cells. */
import type { ColumnSpec } from '../../contracts';
import { canonicalSpellings, inferColumn, parseCell } from '../../tabular';
import type { Duck } from './duck';

/** A finite plain decimal. DuckDB also reads `1_000`, `nan` and `inf`; tabular does not, or refuses them. */
export const plain = (cell: string): string =>
  `(coalesce(isfinite(try_cast(${cell} as double)), false) and not contains(${cell}, '_'))`;

/** Columns that one query looks through. */
export const LOOKED_THROUGH = 64;
/** Distinct spellings kept in a category's spec; beyond them values are only cleaned. */
const CANONICAL_VALUES = 2_000;
const INFER_FROM = 2_000;
/** Cells that repeat more often than this are grouped before they are looked at. */
const REPEATED = 10;

export interface InferredColumn {
  readonly spec: ColumnSpec;
  readonly unreadable: number;
  /** Every cell that is there, with its count, most frequent first; null where there are too many, or plain numbers. */
  readonly cells: readonly Cell[] | null;
}

interface Cell {
  readonly cell: string;
  readonly count: number;
}

/** About how many different cells each of the first `columns` columns of table `raw` has. */
export const countDistinct = async (duck: Duck, columns: number): Promise<number[]> => {
  const distinct: number[] = [];
  while (distinct.length < columns) {
    const some = Array.from({ length: Math.min(LOOKED_THROUGH, columns - distinct.length) }, (_, i) => i);
    const row = await duck.one<Record<string, number>>(
      `select ${some.map((i) => `approx_count_distinct(c${distinct.length + i}) as d${i}`).join(', ')} from raw`,
    );
    distinct.push(...some.map((i) => row[`d${i}`]));
  }
  return distinct;
};

/** Infers the spec of column `at` of table `raw`, which has `rows` rows and about `distinct` different cells in it. */
export const inferFromRaw = async (
  duck: Duck,
  at: number,
  column: { readonly name: string; readonly rows: number; readonly distinct: number },
): Promise<InferredColumn> => {
  const cells =
    column.distinct * REPEATED < column.rows
      ? `select c${at} as cell, count(*) as n from raw group by 1`
      : `select c${at} as cell, 1 as n from raw`;
  const found = await duck.rows<Cell & { kind: 'plain' | 'empty' | 'other' }>(
    `select kind, case when kind = 'other' then cell end as cell, sum(n) as count
       from (select cell, n, case when ${plain('cell')} then 'plain' when trim(cell) <> '' then 'other' else 'empty' end as kind
               from (${cells}))
       group by 1, 2 order by kind = 'other', 3 desc, 2 limit ${INFER_FROM + 2}`,
  );
  const rowsOf = (wanted: string): number => found.find(({ kind }) => kind === wanted)?.count ?? 0;
  const summary = { ...column, plain: rowsOf('plain'), empty: rowsOf('empty') };
  const others = found.filter(({ kind }) => kind === 'other').slice(0, INFER_FROM);
  // The sample stands for all other cells where there are more distinct ones than it holds.
  const all = summary.rows - summary.empty - summary.plain;
  const shown = others.reduce((sum, other) => sum + other.count, 0);
  const scale = shown === 0 ? 1 : all / shown;
  const inferred = inferColumn({
    ...summary,
    others: others.map(({ cell: text, count }) => [text, count * scale] as const),
  });
  const whole = summary.plain === 0 && others.length < INFER_FROM;
  return {
    spec: inferred.spec,
    unreadable: Math.round(inferred.unreadable),
    cells: whole ? others : null,
  };
};

/** Adds the spellings of a category column to its spec; `known`: its cells, where they were counted before. */
export const withSpellings = async (
  duck: Duck,
  at: number,
  spec: ColumnSpec,
  known: readonly Cell[] | null,
): Promise<ColumnSpec> => {
  if (spec.type !== 'category') return spec;
  const cells = known?.slice(0, CANONICAL_VALUES) ?? (await spellings(duck, at));
  const present = cells.filter(({ cell }) => !isMissingCell(spec, cell));
  return {
    ...spec,
    category: { canonical: canonicalSpellings(present.map(({ cell, count }) => [cell, count])) },
  };
};

const spellings = (duck: Duck, at: number): Promise<Cell[]> =>
  duck.rows<Cell>(
    `select c${at} as cell, count(*) as count from raw where c${at} is not null group by 1 order by 2 desc, 1
      limit ${CANONICAL_VALUES}`,
  );

const isMissingCell = (spec: ColumnSpec, cell: string): boolean => {
  const result = parseCell(spec, cell);
  return result.ok && result.value === null;
};

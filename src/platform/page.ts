/** Keyset pages by id: UUIDv7 sorts by creation, so a page is stable while rows are added. Newest first. */
export interface PageRequest {
  /** 1 to 100. */
  readonly limit: number;
  /** Rows before this id; null for the first page. */
  readonly after: string | null;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly hasMore: boolean;
}

/** For a query that asked for one row more than the page holds. */
export const toPage = <T>(rows: readonly T[], request: PageRequest): Page<T> => ({
  items: rows.slice(0, request.limit),
  hasMore: rows.length > request.limit,
});

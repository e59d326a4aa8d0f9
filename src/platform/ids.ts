import { v7 } from 'uuid';

/** A new UUIDv7: sorts by creation time, so primary keys append and pages need no extra column. */
export const newId = <Id extends string>(): Id => v7() as Id;

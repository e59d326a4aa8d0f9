import { i32, select } from './assembler';
import type { Code } from './assembler';

/** The lesser of two numbers that are not negative. */
export const minimum = (a: Code<'i32'>, b: Code<'i32'>): Code<'i32'> => select(a, b, i32.lt(a, b));

/** Time is a parameter: tests turn it, nothing else reads `Date`. */
export interface Clock {
  now(): Date;
}
export const systemClock: Clock = { now: () => new Date() };

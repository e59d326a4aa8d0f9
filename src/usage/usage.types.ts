import { Field, ID, ObjectType } from 'type-graphql';
import { Int64 } from '../api/scalars';
import type { UsageDay } from './usage.service';

@ObjectType('UsageDay', { description: 'What one scenario used of one meter on one day (UTC).' })
export class UsageDayType {
  @Field({ description: '2026-11-23' }) day: string;
  @Field(() => ID, { nullable: true }) scenarioId: string | null;
  @Field({ description: 'In base units: counts, nanoseconds (_ns), byte-milliseconds (_byte_ms).' })
  meter: string;
  @Field({ description: 'billable, or why it is not charged.' }) reason: string;
  @Field(() => Int64) quantity: bigint;
  @Field(() => Int64) events: bigint;
}

@ObjectType('Usage')
export class UsageType {
  @Field() from: Date;
  @Field({ description: 'Usage up to here is in it.' }) to: Date;
  @Field(() => [UsageDayType]) days: UsageDayType[];
}

export const toUsageDay = (day: UsageDay): UsageDayType => ({ ...day });

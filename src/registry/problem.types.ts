import { Field, ObjectType, registerEnumType } from 'type-graphql';
import { PHASES } from '../../contracts';
import type { Phase } from '../../contracts';

/** Where a worker is with a task. */
export const PhaseEnum = Object.fromEntries(PHASES.map((phase) => [phase, phase])) as Record<Phase, Phase>;
registerEnumType(PhaseEnum, { name: 'Phase' });

@ObjectType('Problem', { description: 'Why something was refused, and what to do about it.' })
export class ProblemType {
  @Field() code: string;
  @Field() message: string;
  @Field(() => String, { nullable: true }) hint: string | null;
  @Field(() => String, { nullable: true }) column: string | null;
}

import { Field, ObjectType } from 'type-graphql';

@ObjectType('Problem', { description: 'Why something was refused, and what to do about it.' })
export class ProblemType {
  @Field() code: string;
  @Field() message: string;
  @Field(() => String, { nullable: true }) hint: string | null;
  @Field(() => String, { nullable: true }) column: string | null;
}

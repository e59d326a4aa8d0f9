import { Field, ID, Int, ObjectType, registerEnumType } from 'type-graphql';
import { connectionOf } from '../api/connection';
import { DEPLOYMENT_STATES, REVISION_STATES } from './deployment';
import type { Deployment, DeploymentState, Revision, RevisionState } from './deployment';

const enumOf = <T extends string>(values: readonly T[]): Record<T, T> =>
  Object.fromEntries(values.map((value) => [value, value])) as Record<T, T>;
const DeploymentStateEnum = enumOf(DEPLOYMENT_STATES);
const RevisionStateEnum = enumOf(REVISION_STATES);
registerEnumType(DeploymentStateEnum, { name: 'DeploymentState' });
registerEnumType(RevisionStateEnum, { name: 'DeploymentRevisionState' });

@ObjectType('DeploymentRevision', {
  description: 'One model version at an address, from its start to its end.',
})
export class DeploymentRevisionType {
  @Field(() => ID) id: string;
  @Field(() => Int, { description: '1, 2, 3, ... within the deployment' }) number: number;
  @Field(() => ID) modelVersionId: string;
  @Field(() => RevisionStateEnum) state: RevisionState;
  @Field(() => String, { nullable: true, description: 'Why it did not become ready.' })
  failureCode: string | null;
  @Field(() => String, { nullable: true }) failureMessage: string | null;
  @Field() createdAt: Date;
  @Field(() => Date, { nullable: true }) readyAt: Date | null;
}

@ObjectType('Deployment', { description: 'A stable address in front of a model version.' })
export class DeploymentType {
  @Field(() => ID) id: string;
  @Field(() => ID) scenarioId: string;
  @Field() name: string;
  @Field(() => DeploymentStateEnum) state: DeploymentState;
  @Field(() => ID, { nullable: true, description: 'What answers here; null before the first became ready.' })
  modelVersionId: string | null;
  @Field() createdAt: Date;
  @Field() updatedAt: Date;
}

export const DeploymentConnection = connectionOf('Deployment', DeploymentType);

export const toDeployment = (deployment: Deployment): DeploymentType => ({ ...deployment });
export const toRevision = (revision: Revision): DeploymentRevisionType => ({ ...revision });

import { Arg, Ctx, ID, Query, Resolver } from 'type-graphql';
import type { DeploymentId, PredictionId } from '../../contracts';
import { Cost, Scope } from '../api/access';
import { idArgument } from '../api/connection';
import type { ApiContext } from '../api/context';
import { Json } from '../api/scalars';
import {
  OnUnknownCategoryEnum,
  PredictionAnswerType,
  PredictionType,
  toAnswer,
  toPrediction,
} from './inference.types';
import type { PredictionLog } from './prediction-log';
import type { Predictions } from './prediction.service';
import type { OnUnknownCategory } from './rows';

@Resolver()
export class InferenceResolver {
  constructor(
    private readonly predictions: Predictions,
    private readonly log: PredictionLog,
  ) {}

  @Scope('predict')
  @Cost(5)
  @Query(() => PredictionAnswerType, {
    description:
      'Answers 1 to 1,000 rows. Counted when answered; a repeat with the same requestId is counted once.',
  })
  async predict(
    @Ctx() api: ApiContext,
    @Arg('deploymentId', () => ID) deploymentId: string,
    @Arg('rows', () => [Json], {
      description: 'Raw values by column name, one object a row; null where unknown.',
    })
    rows: unknown[],
    @Arg('requestId', () => String, { nullable: true }) requestId?: string | null,
    @Arg('onUnknownCategory', () => OnUnknownCategoryEnum, { defaultValue: 'REJECT' })
    onUnknownCategory?: OnUnknownCategory,
  ): Promise<PredictionAnswerType> {
    const answer = await this.predictions.predict(api.tenant, {
      deploymentId: idArgument<DeploymentId>(deploymentId, 'deployment'),
      rows,
      requestId,
      onUnknownCategory,
    });
    return toAnswer(answer);
  }

  @Scope('read')
  @Query(() => PredictionType)
  async prediction(@Ctx() api: ApiContext, @Arg('id', () => ID) id: string): Promise<PredictionType> {
    return toPrediction(await this.log.get(api.tenant, idArgument<PredictionId>(id, 'prediction')));
  }
}

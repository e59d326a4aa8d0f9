import { Arg, Ctx, ID, Int, Mutation, Query, Resolver } from 'type-graphql';
import type { PredictionId, ScenarioId } from '../../contracts';
import { Cost, Scope } from '../api/access';
import { idArgument } from '../api/connection';
import type { ApiContext } from '../api/context';
import { Json } from '../api/scalars';
import type { Commands } from '../platform/command';
import type { FeedbackService } from './feedback.service';
import { FeedbackType, QualityType, toFeedback, toQuality } from './feedback.types';

@Resolver()
export class FeedbackResolver {
  constructor(
    private readonly service: FeedbackService,
    private readonly commands: Commands,
  ) {}

  @Scope('feedback')
  @Mutation(() => FeedbackType, {
    description:
      'Says what turned out to be true. The same again changes nothing; another value corrects it.',
  })
  async submitFeedback(
    @Ctx() api: ApiContext,
    @Arg('predictionId', () => ID) predictionId: string,
    @Arg('actual', () => Json, {
      description:
        'A number, or a class. Of a forecast an array of steps, each with one number a target, null where not known.',
    })
    actual: unknown,
    @Arg('row', () => Int, { defaultValue: 0, description: 'Which row of the prediction, from 0.' })
    row: number,
    @Arg('values', () => Json, {
      nullable: true,
      description: 'The row’s values by column name; needed where the prediction was not logged.',
    })
    values?: unknown,
  ): Promise<FeedbackType> {
    const id = idArgument<PredictionId>(predictionId, 'prediction');
    const prepared = await this.service.prepare(api.tenant, { predictionId: id, row, actual, values });
    return toFeedback(
      await this.commands.run(api.tenant, { operation: 'submitFeedback', target: id }, (tx) =>
        this.service.record(api.tenant, tx, prepared),
      ),
    );
  }

  @Scope('read')
  @Cost(20)
  @Query(() => QualityType)
  async quality(
    @Ctx() api: ApiContext,
    @Arg('scenarioId', () => ID) scenarioId: string,
  ): Promise<QualityType> {
    return toQuality(await this.service.quality(api.tenant, idArgument<ScenarioId>(scenarioId, 'scenario')));
  }
}

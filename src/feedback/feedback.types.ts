import { Field, ID, Int, ObjectType } from 'type-graphql';
import { Json } from '../api/scalars';
import type { ForecastAnswer } from '../../contracts';
import type { Feedback, Quality } from './feedback.service';
import type { Truth } from './truth';

@ObjectType('Feedback', { description: 'What turned out to be true for one row of a prediction.' })
export class FeedbackType {
  @Field(() => ID) predictionId: string;
  @Field(() => Int) row: number;
  @Field(() => Int, { description: '1 for the first; a correction is a further one.' }) revision: number;
  @Field(() => Json, { description: 'A number, a class, or a whole forecast.' })
  predicted: string | number | ForecastAnswer;
  @Field(() => Json) actual: Truth;
  @Field() createdAt: Date;
}

@ObjectType('VersionQuality')
export class VersionQualityType {
  @Field(() => ID) modelVersionId: string;
  @Field(() => Int) rows: number;
  @Field(() => Json) metrics: Readonly<Record<string, number | null>>;
  @Field(() => Date, { nullable: true }) firstAt: Date | null;
  @Field(() => Date, { nullable: true }) lastAt: Date | null;
}

@ObjectType('Quality', { description: 'How good the answers turned out to be, by the feedback there is.' })
export class QualityType {
  @Field(() => ID) scenarioId: string;
  @Field(() => Int, { description: 'Predicted rows with feedback.' }) rows: number;
  @Field(() => Json, {
    description:
      'By task: rmse, mae, r2; accuracy, f1Macro, logLoss; of forecasts rmse, mae, wape, coverage.',
  })
  metrics: Readonly<Record<string, number | null>>;
  @Field(() => Date, { nullable: true, description: 'Of the oldest prediction in it.' }) firstAt: Date | null;
  @Field(() => Date, { nullable: true }) lastAt: Date | null;
  @Field(() => [VersionQualityType]) byVersion: VersionQualityType[];
}

export const toFeedback = (feedback: Feedback): FeedbackType => ({ ...feedback });
export const toQuality = (quality: Quality): QualityType => ({
  ...quality,
  byVersion: quality.byVersion.map((version) => ({ ...version })),
});

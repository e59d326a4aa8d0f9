import { Field, ID, Int, ObjectType } from 'type-graphql';
import { Json } from '../api/scalars';
import type { Feedback, Quality } from './feedback.service';

@ObjectType('Feedback', { description: 'What turned out to be true for one row of a prediction.' })
export class FeedbackType {
  @Field(() => ID) predictionId: string;
  @Field(() => Int) row: number;
  @Field(() => Int, { description: '1 for the first; a correction is a further one.' }) revision: number;
  @Field(() => Json) predicted: string | number;
  @Field(() => Json) actual: string | number;
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
  @Field(() => Json, { description: 'rmse, mae, r2; or accuracy, f1Macro, logLoss' })
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

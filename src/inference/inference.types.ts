import { Field, Float, ID, Int, ObjectType, registerEnumType } from 'type-graphql';
import { Json } from '../api/scalars';
import type { Answer } from './answers';
import type { RecordedPrediction } from './prediction-log';
import type { Prediction } from './prediction.service';
import type { RawRow } from './rows';

export const OnUnknownCategoryEnum = { REJECT: 'REJECT', USE_OTHER: 'USE_OTHER' } as const;
registerEnumType(OnUnknownCategoryEnum, {
  name: 'OnUnknownCategory',
  description: 'What to do about a category that the training data did not have.',
});

@ObjectType('RowAnswer')
export class RowAnswerType {
  @Field(() => Json, { description: 'A number, or a class.' }) prediction: number | string;
  @Field(() => [Float], { nullable: true, description: 'In the order of classes; null for a regression.' })
  probabilities: number[] | null;
}

@ObjectType('PredictionAnswer')
export class PredictionAnswerType {
  @Field(() => ID, { description: 'Feedback names it.' }) id: string;
  @Field(() => ID) deploymentId: string;
  @Field(() => ID) modelVersionId: string;
  @Field(() => ID) scenarioId: string;
  @Field() at: Date;
  @Field(() => [String], { description: 'Empty for a regression.' }) classes: string[];
  @Field(() => [RowAnswerType], { description: 'One a row, in the order asked.' }) outputs: RowAnswerType[];
}

@ObjectType('Prediction', { description: 'An answered request, as the scenario logged it.' })
export class PredictionType {
  @Field(() => ID) id: string;
  @Field(() => ID) deploymentId: string;
  @Field(() => ID) modelVersionId: string;
  @Field(() => ID) scenarioId: string;
  @Field() at: Date;
  @Field(() => Int) rowCount: number;
  @Field(() => [Json], { nullable: true, description: 'Null when not logged, or no longer kept.' })
  rows: RawRow[] | null;
  @Field(() => [RowAnswerType], { nullable: true }) outputs: RowAnswerType[] | null;
}

const toRow = ({ prediction, probabilities }: Answer): RowAnswerType => ({ prediction, probabilities });

export const toAnswer = (prediction: Prediction): PredictionAnswerType => ({
  ...prediction,
  classes: [...prediction.classes],
  outputs: prediction.outputs.map(toRow),
});
export const toPrediction = (prediction: RecordedPrediction): PredictionType => ({
  ...prediction,
  outputs: prediction.outputs?.map(toRow) ?? null,
});

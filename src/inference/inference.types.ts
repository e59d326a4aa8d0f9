import { Field, Float, ID, Int, ObjectType, registerEnumType } from 'type-graphql';
import type { RawCell } from '../../contracts';
import { Json } from '../api/scalars';
import type { RecordedPrediction } from './prediction-log';
import type { Prediction } from './prediction.service';
import type { RawRow } from './rows';

export const OnUnknownCategoryEnum = { REJECT: 'REJECT', USE_OTHER: 'USE_OTHER' } as const;
registerEnumType(OnUnknownCategoryEnum, {
  name: 'OnUnknownCategory',
  description: 'What to do about a category that the training data did not have.',
});

@ObjectType('ForecastAnswer', { description: 'An item a step ahead, in it one a target.' })
export class ForecastAnswerType {
  @Field(() => [[Float]]) prediction: number[][];
  @Field(() => [[[Float]]], { description: 'Of each target one a level.' }) quantiles: number[][][];
}

@ObjectType('RowAnswer')
export class RowAnswerType {
  @Field(() => Json, {
    nullable: true,
    description:
      'A number, or a class. Of a forecast the first step of the first target; null where a row is made up.',
  })
  prediction: number | string | null;
  @Field(() => [Float], { nullable: true, description: 'In the order of classes; null for a regression.' })
  probabilities: number[] | null;
  @Field(() => Float, {
    nullable: true,
    description: 'Of a regression: the truth is at least this, and at most `high`, nine times of ten.',
  })
  low?: number;
  @Field(() => Float, { nullable: true }) high?: number;
  @Field(() => [String], {
    nullable: true,
    description: 'Of a classification: the classes that hold the truth nine times of ten.',
  })
  set?: string[];
  @Field(() => ForecastAnswerType, { nullable: true }) forecast?: ForecastAnswerType;
  @Field(() => Json, { nullable: true, description: 'A made-up row, by column name.' })
  row?: Record<string, RawCell>;
}

@ObjectType('PredictionAnswer')
export class PredictionAnswerType {
  @Field(() => ID, { description: 'Feedback names it.' }) id: string;
  @Field(() => ID) deploymentId: string;
  @Field(() => ID) modelVersionId: string;
  @Field(() => ID) scenarioId: string;
  @Field() at: Date;
  @Field(() => [String], { description: 'Empty for a regression.' }) classes: string[];
  @Field(() => [String], { nullable: true, description: 'Of a forecast: its columns.' })
  targets: string[] | null;
  @Field(() => [Float], {
    nullable: true,
    description: 'Of a forecast: the levels of its quantiles, rising.',
  })
  levels: number[] | null;
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

export const toAnswer = (prediction: Prediction): PredictionAnswerType => ({
  ...prediction,
  classes: [...prediction.classes],
  targets: prediction.targets && [...prediction.targets],
  levels: prediction.levels && [...prediction.levels],
  outputs: [...prediction.outputs],
});
export const toPrediction = (prediction: RecordedPrediction): PredictionType => ({
  ...prediction,
});

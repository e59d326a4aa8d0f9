import { Field, Float, ID, Int, ObjectType, registerEnumType } from 'type-graphql';
import type { ForecastAnswer, RawCell } from '../../contracts';
import { Json } from '../api/scalars';
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
  @Field(() => Json, {
    description:
      'A number, or a class. Of a forecast the first step of the first target; 0 where a row is made up.',
  })
  prediction: number | string;
  @Field(() => [Float], { nullable: true, description: 'In the order of classes; null for a regression.' })
  probabilities: number[] | null;
  @Field(() => Float, { nullable: true, description: 'Where the interval of a number begins.' })
  low?: number;
  @Field(() => Float, { nullable: true, description: 'Where it ends.' }) high?: number;
  @Field(() => [String], { nullable: true, description: 'The classes that may be true.' }) set?: string[];
  @Field(() => Json, {
    nullable: true,
    description:
      '{prediction, quantiles}: prediction[step][target], quantiles[step][target][level], in the order of targets and levels.',
  })
  forecast?: ForecastAnswer;
  @Field(() => Json, { nullable: true, description: 'Made-up values by column name.' })
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
  @Field(() => [String], { nullable: true, description: 'Columns that a forecast is of.' })
  targets: string[] | null;
  @Field(() => [Float], { nullable: true, description: 'Levels of the quantiles of a forecast, rising.' })
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

import { Field, Float, ID, Int, ObjectType } from 'type-graphql';
import type { Epoch, LearningTask, ModelManifest } from '../../contracts';
import { connectionOf } from '../api/connection';
import { Int64, Json } from '../api/scalars';
import { LearningTaskEnum } from '../scenario';
import type { Model, ModelVersion } from './registry.entity';

@ObjectType('Epoch', {
  description:
    'One epoch of a training history. Losses are what the optimizer sees (of a regression: on the standardised target), mae and mse are in target units.',
})
export class EpochType {
  @Field(() => Int) epoch: number;
  @Field(() => Float) loss: number;
  @Field(() => Float, { nullable: true }) valLoss: number | null;
  @Field(() => Float, { nullable: true }) mae?: number | null;
  @Field(() => Float, { nullable: true }) mse?: number | null;
  @Field(() => Float, { nullable: true }) valMae?: number | null;
  @Field(() => Float, { nullable: true }) valMse?: number | null;
  @Field(() => Float, { nullable: true }) accuracy?: number | null;
  @Field(() => Float, { nullable: true }) valAccuracy?: number | null;
}
export const toEpoch = (epoch: Epoch): EpochType => ({ ...epoch });

@ObjectType('Comparison', { description: 'A new model against the current one, on the same held-out rows.' })
export class ComparisonType {
  @Field() metric: string;
  @Field(() => Int) rows: number;
  @Field(() => Float) champion: number;
  @Field(() => Float) challenger: number;
  @Field(() => Float, { description: 'challenger - champion' }) difference: number;
  @Field(() => Float, { description: 'Lower end of the 95 % paired bootstrap interval.' }) low: number;
  @Field(() => Float) high: number;
  @Field({ description: 'challenger, champion or undecided' }) better: string;
}

@ObjectType('ModelMetrics', {
  description: 'Figures by name: rmse, mae, r2, or accuracy, logLoss, auc, f1Macro.',
})
export class ModelMetrics {
  @Field(() => Json) train: ModelManifest['metrics']['train'];
  @Field(() => Json) validation: ModelManifest['metrics']['validation'];
  @Field(() => Json) test: ModelManifest['metrics']['test'];
  @Field(() => Json, { description: 'Predicting the mean, or the majority.' })
  baseline: ModelManifest['metrics']['baseline'];
}

@ObjectType('Model')
export class ModelType {
  @Field(() => ID) id: string;
  @Field(() => ID) scenarioId: string;
  @Field() name: string;
  @Field() createdAt: Date;
}

@ObjectType('ModelVersion', { description: 'An immutable manifest that names one ONNX file.' })
export class ModelVersionType {
  @Field(() => ID) id: string;
  @Field(() => ID) modelId: string;
  @Field(() => ID) scenarioId: string;
  @Field(() => Int) number: number;
  @Field(() => ID) jobId: string;
  @Field(() => ID) datasetVersionId: string;
  @Field({ description: "sha-256 of the manifest's canonical JSON" }) identity: string;
  @Field(() => LearningTaskEnum) task: LearningTask;
  @Field(() => String, { nullable: true }) target: string | null;
  @Field(() => Json, { description: 'What the model takes and gives.' })
  signature: ModelManifest['signature'];
  @Field(() => ModelMetrics) metrics: ModelMetrics;
  @Field(() => Json, { description: 'What was asked for.' }) spec: ModelManifest['spec'];
  @Field(() => Json, { description: 'What won, when the spec was auto.' }) chosen: ModelManifest['chosen'];
  @Field(() => Int) seed: number;
  @Field(() => Json) engine: ModelManifest['engine'];
  @Field() codeVersion: string;
  @Field({ description: 'sha-256 of the sealed data' }) dataSha256: string;
  @Field(() => Int) trainRows: number;
  @Field(() => Int) validationRows: number;
  @Field(() => Int) testRows: number;
  @Field(() => [EpochType]) history: EpochType[];
  @Field(() => Json, { description: 'Agreement of the exported file with the trainer.' })
  verified: ModelManifest['verified'];
  @Field(() => ComparisonType, { nullable: true }) comparison: ComparisonType | null;
  @Field(() => Float) trainingMs: number;
  @Field() onnxSha256: string;
  @Field(() => Int64) onnxSizeBytes: bigint;
  @Field() createdAt: Date;
}

export const ModelConnection = connectionOf('Model', ModelType);
export const ModelVersionConnection = connectionOf('ModelVersion', ModelVersionType);

export const toModel = ({ id, scenarioId, name, createdAt }: Model): ModelType => ({
  id,
  scenarioId,
  name,
  createdAt,
});

export const toModelVersion = (version: ModelVersion): ModelVersionType => {
  const { manifest } = version;
  return {
    id: version.id,
    modelId: version.modelId,
    scenarioId: version.scenarioId,
    number: version.number,
    jobId: version.jobId,
    datasetVersionId: version.datasetVersionId,
    identity: version.identity,
    task: manifest.signature.task,
    target: manifest.signature.target,
    signature: manifest.signature,
    metrics: manifest.metrics,
    spec: manifest.spec,
    chosen: manifest.chosen,
    seed: manifest.seed,
    engine: manifest.engine,
    codeVersion: manifest.codeVersion,
    dataSha256: manifest.data.sha256,
    trainRows: manifest.data.trainRows,
    validationRows: manifest.data.validationRows,
    testRows: manifest.data.testRows,
    history: manifest.history.map(toEpoch),
    verified: manifest.verified,
    comparison: manifest.comparison,
    trainingMs: manifest.trainingMs,
    onnxSha256: manifest.onnx.sha256,
    onnxSizeBytes: BigInt(manifest.onnx.sizeBytes),
    createdAt: version.createdAt,
  };
};

/** The operations of the loop, as a partner would write them. */

export const CREATE_SCENARIO = `mutation CreateScenario($input: CreateScenarioInput!) {
  createScenario(input: $input) { id name }
}`;

export const DECLARE_DATASET = `mutation DeclareDataset($input: DeclareDatasetInput!) {
  declareDataset(input: $input) { version { id } upload { url } }
}`;

export const DATASET_PROGRESS = `subscription DatasetProgress($versionId: ID!) {
  datasetProgress(versionId: $versionId) { phase fraction version { state } }
}`;

export const DATASET_VERSION = `query DatasetVersion($id: ID!) {
  datasetVersion(id: $id) {
    id state task target rows holdoutRows sizeBytes sha256 holdout
    error { code message hint column }
    profile { name type missing distinct min max mean targetAssociation }
    warnings { code column message }
  }
}`;

export const START_TRAINING = `mutation StartTraining($input: StartTrainingInput!) {
  startTraining(input: $input) { id }
}`;

export const RETRAIN = `mutation Retrain($scenarioId: ID!) {
  retrain(scenarioId: $scenarioId) { id }
}`;

export const JOB_PROGRESS = `subscription JobProgress($jobId: ID!) {
  jobProgress(jobId: $jobId) {
    phase fraction message
    job { state }
    epochs { epoch loss valLoss mae valMae mse valMse accuracy valAccuracy }
  }
}`;

export const JOB = `query Job($id: ID!) {
  job(id: $id) {
    id state message error { code message hint }
    comparison { metric rows champion challenger difference low high better }
    modelVersion {
      id number task chosen metrics { train validation test baseline } trainRows validationRows testRows
      trainingMs onnxSha256 onnxSizeBytes goldenUrl engine
    }
  }
}`;

export const DEPLOY = `mutation Deploy($modelVersionId: ID!, $name: String!) {
  deployModel(modelVersionId: $modelVersionId, name: $name) { id state }
}`;

export const PREDICT = `query Predict($deploymentId: ID!, $rows: [JSON!]!) {
  predict(deploymentId: $deploymentId, rows: $rows, onUnknownCategory: USE_OTHER) {
    id outputs { prediction probabilities }
  }
}`;

export const SUBMIT_FEEDBACK = `mutation SubmitFeedback($predictionId: ID!, $row: Int!, $actual: JSON!) {
  submitFeedback(predictionId: $predictionId, row: $row, actual: $actual) { revision }
}`;

export const QUALITY = `query Quality($scenarioId: ID!) {
  quality(scenarioId: $scenarioId) { rows metrics }
}`;

export const USAGE = `query Usage($from: DateTimeISO!, $to: DateTimeISO!, $scenarioId: ID!) {
  usage(from: $from, to: $to, scenarioId: $scenarioId) { days { day meter reason quantity events } }
}`;

export const INVOICE_PREVIEW = `query InvoicePreview($from: DateTimeISO!, $to: DateTimeISO!) {
  invoicePreview(from: $from, to: $to) {
    plan currency total totalNano
    lines { scenarioId meter reason charged quantity events amountNano price { amountNano perQuantity } }
  }
}`;

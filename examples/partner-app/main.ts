/**
 * A partner's program: from its own data to answers and a bill, through the public API only.
 *
 *     MODELMINT_URL=http://127.0.0.1:4000 MODELMINT_KEY=mm_... node dist/examples/partner-app/main.js
 */
import { createHash, randomUUID } from 'node:crypto';
import { csvOf, measuredBuildings } from './buildings';
import type { Building } from './buildings';
import { Client, Refused, upload } from './client';

const DAY_MS = 86_400_000;

const uploadData = async (client: Client, scenarioId: string, csv: Buffer): Promise<string> => {
  const { declareDataset } = await client.run('DeclareDataset', {
    input: {
      scenarioId,
      name: 'buildings',
      format: 'csv',
      sizeBytes: csv.length,
      sha256: createHash('sha256').update(csv).digest('hex'),
    },
  });
  await upload(declareDataset.upload.url, csv);
  const versionId = declareDataset.version.id;
  for await (const { datasetProgress } of client.follow('DatasetProgress', { versionId })) {
    const { state, error, rows, holdoutRows } = datasetProgress.version;
    const detail =
      state === 'SEALED' ? `${rows} rows, ${holdoutRows} held out` : (datasetProgress.phase ?? '');
    console.log(`  data      ${state} ${detail}`);
    if (error) throw new Refused(error.code, error.message, error.hint);
  }
  return versionId;
};

/** Returns the model version's id. */
const train = async (client: Client, datasetVersionId: string): Promise<string> => {
  const { startTraining } = await client.run(
    'StartTraining',
    { input: { datasetVersionId, spec: { family: 'mlp', epochs: 40 } } },
    randomUUID(),
  );
  const jobId = startTraining.id;
  for await (const { jobProgress } of client.follow('JobProgress', { jobId })) {
    const last = jobProgress.epochs.at(-1);
    const loss = last ? `, epoch ${last.epoch}, validation loss ${last.valLoss?.toPrecision(4) ?? '-'}` : '';
    console.log(`  training  ${Math.round(100 * jobProgress.fraction)} % ${jobProgress.phase ?? ''}${loss}`);
  }
  const { job } = await client.run('Job', { id: jobId });
  if (job.error) throw new Refused(job.error.code, job.error.message, job.error.hint);
  if (!job.modelVersion) throw new Error(`the job ended ${job.state}`);
  const { id, metrics, onnxSizeBytes, trainingMs } = job.modelVersion;
  console.log(`  model     ${onnxSizeBytes} bytes of ONNX in ${(trainingMs / 1000).toFixed(1)} s`);
  console.log(
    `  held out  ${JSON.stringify(metrics.test)}, the mean alone ${JSON.stringify(metrics.baseline)}`,
  );
  return id;
};

/** Returns the deployment's id: the address that the partner's own program keeps. */
const deploy = async (client: Client, modelVersionId: string): Promise<string> => {
  const { deployModel } = await client.run('DeployModel', {
    modelVersionId,
    name: `buildings-${Date.now()}`,
  });
  const [revision] = deployModel.revisions;
  if (deployModel.state !== 'READY') {
    throw new Refused(revision?.failureCode ?? 'INTERNAL', revision?.failureMessage ?? 'it did not start');
  }
  console.log(`  deployed  ${deployModel.id}`);
  return deployModel.id;
};

const useIt = async (client: Client, deploymentId: string): Promise<void> => {
  const months = measuredBuildings(3, 7);
  const rows: Building[] = months.map(({ building }) => building);
  const { predict } = await client.run('Predict', {
    deploymentId,
    rows: rows.map((row) => ({ ...row })),
    requestId: randomUUID(),
  });
  // A month later the meters say what was true.
  for (const [row, { load }] of months.entries()) {
    const { submitFeedback } = await client.run('SubmitFeedback', {
      predictionId: predict.id,
      row,
      actual: load,
    });
    console.log(`  building  ${Number(submitFeedback.predicted).toFixed(0)} kWh predicted, ${load} measured`);
  }
};

const main = async (): Promise<void> => {
  const { MODELMINT_URL: url = 'http://127.0.0.1:4000', MODELMINT_KEY: key } = process.env;
  if (!key) throw new Error('set MODELMINT_KEY to an API key: npm start shows one when it starts first');
  const client = new Client(url, key);
  const { createScenario } = await client.run('CreateScenario', {
    input: { template: 'energy-demand', name: `Energy demand ${new Date().toISOString()}` },
  });
  const scenarioId = createScenario.id;
  console.log(`  scenario  ${createScenario.name}: ${createScenario.task} of ${createScenario.target}`);
  const versionId = await uploadData(client, scenarioId, csvOf(measuredBuildings(2000, 1)));
  await useIt(client, await deploy(client, await train(client, versionId)));

  const { quality } = await client.run('Quality', { scenarioId });
  console.log(`  quality   ${JSON.stringify(quality.metrics)} on ${quality.rows} rows with feedback`);
  const from = new Date(Date.now() - DAY_MS).toISOString();
  const to = new Date(Date.now() + DAY_MS).toISOString();
  const { usage } = await client.run('Usage', { scenarioId, from, to });
  for (const { day, meter, quantity } of usage.days) console.log(`  usage     ${day} ${meter} ${quantity}`);
  const { invoicePreview } = await client.run('InvoicePreview', {});
  console.log(`  invoice   ${invoicePreview.total} ${invoicePreview.currency} so far this month`);
};

main().catch((error: unknown) => {
  console.error(error instanceof Refused ? error.message : error);
  process.exitCode = 1;
});

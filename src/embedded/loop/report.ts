import type { LoopResult } from './play';

/** The report of `npm run demo`: plain figures, by the names of docs/api.md. */
export const reportOf = ({
  dataset,
  model,
  retrained,
  predictions,
  comparison,
  usage,
  invoice,
}: LoopResult): object => {
  const byMeter = new Map<string, bigint>();
  for (const { meter, quantity } of usage) byMeter.set(meter, (byMeter.get(meter) ?? 0n) + BigInt(quantity));
  return {
    rows: Number(dataset.rows),
    holdoutRows: Number(dataset.holdoutRows),
    holdout: dataset.holdout,
    dataSha256: dataset.sha256,
    columns: (dataset.profile ?? []).map(({ name, type, missing, distinct }) => ({
      name,
      type,
      missing,
      distinct,
    })),
    warnings: dataset.warnings ?? [],
    task: model.task,
    target: dataset.target,
    model: model.chosen,
    metrics: {
      train: model.metrics.train,
      validation: model.metrics.validation,
      test: model.metrics.test,
      baseline: model.metrics.baseline,
    },
    modelRows: { train: model.trainRows, validation: model.validationRows, test: model.testRows },
    trainingSeconds: model.trainingMs / 1000,
    engine: model.engine,
    onnx: { sizeBytes: Number(model.onnxSizeBytes), sha256: model.onnxSha256 },
    predictions,
    retrain: { metrics: { test: retrained.metrics.test }, onnxSha256: retrained.onnxSha256, comparison },
    usage: Object.fromEntries([...byMeter].map(([meter, quantity]) => [meter, quantity.toString()])),
    invoice: {
      plan: invoice.plan,
      currency: invoice.currency,
      lines: invoice.lines.map(({ meter, reason, charged, quantity, events, amountNano, price }) => ({
        meter,
        reason,
        charged,
        quantity,
        events,
        price,
        amountNano,
      })),
      totalNano: invoice.totalNano,
      total: invoice.total,
    },
  };
};

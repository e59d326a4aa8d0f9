import { classificationMetrics, regressionMetrics } from './metrics';
import { classificationSample, regressionSample } from './sample';

const near = (got: Record<string, number | null>, expected: Record<string, number>): void => {
  for (const [name, value] of Object.entries(expected))
    expect([name, got[name]]).toEqual([name, expect.closeTo(value, 10)]);
};

describe('metrics', () => {
  it('regression: rmse, mae, median error and r2 of a worked example', () => {
    const got = regressionMetrics([1, 2, 5], [1, 4, 4]);
    near(got, { rmse: Math.sqrt(5 / 3), mae: 1, medianAbsoluteError: 1, r2: 1 - 5 / 6 });
  });

  it('predicting the mean has r2 0', () => {
    expect(regressionMetrics([2, 2, 2], [1, 2, 3])['r2']).toBeCloseTo(0, 12);
  });

  // sklearn.metrics 1.2.1, the second with sample_weight=[2, 1, 1, 3, 1]
  it('regression: as scikit-learn, with and without weights', () => {
    const sample = regressionSample([2.5, 0, 2, 8, 5], [3, -0.5, 2, 7, 4.2]);
    near(sample.metrics(), { medianAbsoluteError: 0.5 });
    near(sample.metrics([2, 1, 1, 3, 1]), { r2: 0.9175257731958762, rmse: 0.7407766195014527 });
  });

  it('classification: accuracy, log loss, macro F1 and AUC of a worked example with a tie', () => {
    const got = classificationMetrics([0.9, 0.1, 0.4, 0.6, 0.6, 0.4, 0.6, 0.4], [0, 1, 1, 0], 2);
    near(got, {
      accuracy: 0.75,
      auc: 0.875,
      logLoss: -(Math.log(0.9) + Math.log(0.6) + Math.log(0.4) + Math.log(0.6)) / 4,
      f1Macro: (4 / 5 + 2 / 3) / 2,
    });
  });

  const truth = [0, 1, 1, 0, 1, 0, 1, 1, 0, 0, 1, 0];
  const scores = [0.1, 0.8, 0.4, 0.4, 0.9, 0.6, 0.35, 0.7, 0.2, 0.4, 0.6, 0.05];
  const sample = classificationSample(
    scores.flatMap((p) => [1 - p, p]),
    truth,
    2,
  );

  // roc_auc_score, average_precision_score, matthews_corrcoef, ... of scikit-learn 1.2.1
  it('classification: as scikit-learn', () => {
    near(sample.metrics(), {
      auc: 0.8472222222222222,
      averagePrecision: 0.8486111111111111,
      matthews: 0.50709255283711,
      balancedAccuracy: 0.75,
      brier: 0.15125,
      f1Macro: 0.7482517482517481,
      precisionMacro: 0.7571428571428571,
      recallMacro: 0.75,
    });
  });

  it('classification: as scikit-learn with weights, as the bootstrap draws them', () => {
    near(sample.metrics([1, 2, 0, 3, 1, 1, 2, 1, 0, 1, 1, 2]), {
      auc: 0.8125,
      averagePrecision: 0.8571428571428571,
      matthews: 0.600099198148979,
      logLoss: 0.4457555177572913,
    });
  });

  it('labels that were decided otherwise than by the greatest probability count as decided', () => {
    const decided = [0, 2, 2, 2, 1, 1, 0, 1, 0];
    const uniform = new Array<number>(27).fill(1 / 3);
    near(classificationMetrics(uniform, [0, 1, 2, 2, 1, 0, 2, 1, 0], 3, decided), {
      matthews: 0.5,
      precisionMacro: 2 / 3,
      logLoss: Math.log(3),
      brier: 2 / 3,
    });
  });

  it('a class that the model does not know counts as wrong', () => {
    expect(classificationMetrics([1, 0, 1, 0], [0, -1], 2)['accuracy']).toBe(0.5);
  });

  it('no rows give null, never NaN', () => {
    for (const metrics of [
      regressionMetrics([], []),
      classificationMetrics([], [], 3),
      classificationMetrics([], [], 2),
    ])
      for (const value of Object.values(metrics)) expect(value).toBeNull();
  });
});

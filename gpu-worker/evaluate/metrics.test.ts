import { classificationMetrics, regressionMetrics } from './metrics';

describe('metrics', () => {
  it('regression: rmse, mae and r2 of a worked example', () => {
    const got = regressionMetrics([1, 2, 5], [1, 4, 4]);
    expect(got.rmse).toBeCloseTo(Math.sqrt(5 / 3), 12);
    expect(got.mae).toBeCloseTo(1, 12);
    expect(got.r2).toBeCloseTo(1 - 5 / 6, 12);
  });

  it('predicting the mean has r2 0', () => {
    expect(regressionMetrics([2, 2, 2], [1, 2, 3]).r2).toBeCloseTo(0, 12);
  });

  it('classification: accuracy, log loss, macro F1 and AUC of a worked example with a tie', () => {
    const probabilities = [0.9, 0.1, 0.4, 0.6, 0.6, 0.4, 0.6, 0.4];
    const got = classificationMetrics(probabilities, [0, 1, 1, 0], 2);
    expect(got.accuracy).toBe(0.75);
    expect(got.auc).toBe(0.875);
    expect(got.logLoss).toBeCloseTo(-(Math.log(0.9) + Math.log(0.6) + Math.log(0.4) + Math.log(0.6)) / 4, 12);
    expect(got.f1Macro).toBeCloseTo((4 / 5 + 2 / 3) / 2, 12);
  });

  it('a class that the model does not know counts as wrong', () => {
    expect(classificationMetrics([1, 0, 1, 0], [0, -1], 2).accuracy).toBe(0.5);
  });

  it('no rows give null, never NaN', () => {
    expect(regressionMetrics([], [])).toEqual({ rmse: null, mae: null, r2: null });
    expect(classificationMetrics([], [], 3)).toEqual({ accuracy: null, logLoss: null, f1Macro: null });
  });
});

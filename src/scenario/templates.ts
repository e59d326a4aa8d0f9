/** Business uses that others have made money with: a start, not a cage. */
import type { LearningTask } from '../../contracts';

export interface ScenarioTemplate {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly task: LearningTask;
  /** The column that is predicted, as such data usually calls it. */
  readonly target: string;
  readonly goalMetric: string;
  readonly priceNote: string;
  readonly valueNote: string;
}

export const SCENARIO_TEMPLATES: readonly ScenarioTemplate[] = [
  {
    id: 'house-prices',
    name: 'House prices',
    description: 'What a house or flat will sell for, from its size, age, condition and place.',
    task: 'regression',
    target: 'price',
    goalMetric: 'rmse',
    priceNote: 'A price for each valuation; portals buy many, banks buy few and pay more.',
    valueNote: 'Saves a visit where the error stays below what two human valuers differ by.',
  },
  {
    id: 'credit-risk',
    name: 'Credit risk',
    description: 'Whether a borrower will pay back, from the application and the history.',
    task: 'classification',
    target: 'default',
    goalMetric: 'auc',
    priceNote: 'A price for each decision.',
    valueNote: 'A missed default costs the loan; a wrong refusal costs its margin, about a fifth of that.',
  },
  {
    id: 'machine-failure',
    name: 'Machine failure',
    description: 'Whether a machine fails soon, from its temperatures, speed, torque and wear.',
    task: 'classification',
    target: 'failure',
    goalMetric: 'f1Macro',
    priceNote: 'A monthly price for each machine that is watched.',
    valueNote: 'A failure that was foreseen saves the standstill; a false alarm costs an inspection.',
  },
  {
    id: 'traffic',
    name: 'Traffic volume',
    description: 'How many vehicles pass in an hour, from the calendar and the weather.',
    task: 'regression',
    target: 'traffic_volume',
    goalMetric: 'rmse',
    priceNote: 'A price for each road and month.',
    valueNote: 'Better signal plans and road works at the right hour.',
  },
  {
    id: 'churn',
    name: 'Customer churn',
    description: 'Whether a customer will leave, from contract, use and payments.',
    task: 'classification',
    target: 'churn',
    goalMetric: 'auc',
    priceNote: 'A price for each thousand customers that are scored.',
    valueNote:
      'A customer who is kept is worth a year of margin; an offer to one who would have stayed is lost.',
  },
  {
    id: 'insurance-charges',
    name: 'Insurance charges',
    description: 'What an insured person will cost in a year, from age, habits and region.',
    task: 'regression',
    target: 'charges',
    goalMetric: 'rmse',
    priceNote: 'A price for each quote.',
    valueNote: 'A premium that fits the risk keeps the good customers and prices the others.',
  },
  {
    id: 'energy-demand',
    name: 'Energy demand',
    description: 'How much energy a building or a town will use.',
    task: 'regression',
    target: 'load',
    goalMetric: 'mae',
    priceNote: 'A price for each building and month.',
    valueNote: 'What is bought a day ahead is cheaper than what is missing in the hour.',
  },
  {
    id: 'demand',
    name: 'Demand',
    description: 'How many will be rented or sold, from calendar, weather and price.',
    task: 'regression',
    target: 'count',
    goalMetric: 'mae',
    priceNote: 'A price for each shop and month.',
    valueNote: 'Too few loses the sale, too many binds stock.',
  },
  {
    id: 'diagnosis',
    name: 'Finding in medical data',
    description: 'Whether a finding is likely, as a second opinion on measurements.',
    task: 'classification',
    target: 'diagnosis',
    goalMetric: 'auc',
    priceNote: 'A price for each case.',
    valueNote: 'A missed finding weighs far more than another examination.',
  },
];

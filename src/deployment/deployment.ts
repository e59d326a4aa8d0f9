import type { DeploymentId, FailureCode, ModelVersionId, ScenarioId } from '../../contracts';

export const DEPLOYMENT_STATES = ['STARTING', 'READY', 'FAILED', 'STOPPED'] as const;
export type DeploymentState = (typeof DEPLOYMENT_STATES)[number];

export const REVISION_STATES = ['STARTING', 'READY', 'FAILED', 'RETIRED'] as const;
export type RevisionState = (typeof REVISION_STATES)[number];

/** A stable address; `modelVersionId` is what answers there, null before the first version became ready. */
export interface Deployment {
  readonly id: DeploymentId;
  readonly scenarioId: ScenarioId;
  readonly name: string;
  readonly state: DeploymentState;
  readonly modelVersionId: ModelVersionId | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** One model version at the address, from its start to its end. */
export interface Revision {
  readonly id: string;
  readonly number: number;
  readonly modelVersionId: ModelVersionId;
  readonly state: RevisionState;
  readonly failureCode: FailureCode | null;
  readonly failureMessage: string | null;
  readonly createdAt: Date;
  readonly readyAt: Date | null;
}

export interface DeploymentRow {
  id: DeploymentId;
  scenario_id: ScenarioId;
  name: string;
  state: DeploymentState;
  model_version_id: ModelVersionId | null;
  created_at: Date;
  updated_at: Date;
}
export const deploymentOf = (row: DeploymentRow): Deployment => ({
  id: row.id,
  scenarioId: row.scenario_id,
  name: row.name,
  state: row.state,
  modelVersionId: row.model_version_id,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
});

export interface RevisionRow {
  id: string;
  number: number;
  model_version_id: ModelVersionId;
  state: RevisionState;
  failure_code: FailureCode | null;
  failure_message: string | null;
  created_at: Date;
  ready_at: Date | null;
}
export const revisionOf = (row: RevisionRow): Revision => ({
  id: row.id,
  number: row.number,
  modelVersionId: row.model_version_id,
  state: row.state,
  failureCode: row.failure_code,
  failureMessage: row.failure_message,
  createdAt: row.created_at,
  readyAt: row.ready_at,
});

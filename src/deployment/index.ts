/**
 * A **deployment** is a stable address in front of a model version; a **revision** is one version's time there, from its
 * start (golden rows replayed) to its end (overtaken or stopped).
 */
export { Deployments } from './deployment.service';
export type { Announce, DeployRequest, GoldenReplay, VersionSource } from './deployment.service';
export { DEPLOYMENT_STATES, REVISION_STATES } from './deployment';
export type { Deployment, DeploymentState, Revision, RevisionState } from './deployment';
export { DeploymentResolver } from './deployment.resolver';

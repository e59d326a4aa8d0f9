/** Every resolver class of the schema, one line a feature. `main.ts` makes the instances. */
import { BillingResolver } from '../billing';
import { DatasetResolver } from '../dataset';
import { DeploymentResolver } from '../deployment';
import { FeedbackResolver } from '../feedback';
import { InferenceResolver } from '../inference';
import { ModelResolver, ModelVersionResolver } from '../registry';
import { ScenarioResolver } from '../scenario';
import { ApiKeyResolver, MemberResolver, TenantResolver } from '../tenant';
import { JobResolver } from '../training';
import { UsageResolver } from '../usage';
import type { ResolverClass } from './schema';
import { PlatformStatusResolver } from './status.resolver';

export const RESOLVER_CLASSES: readonly ResolverClass[] = [
  TenantResolver,
  MemberResolver,
  ApiKeyResolver,
  ScenarioResolver,
  DatasetResolver,
  ModelResolver,
  ModelVersionResolver,
  JobResolver,
  DeploymentResolver,
  InferenceResolver,
  FeedbackResolver,
  UsageResolver,
  BillingResolver,
  PlatformStatusResolver,
];

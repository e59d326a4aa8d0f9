/** Every resolver class of the schema, one line a feature. `main.ts` makes the instances. */
import { DatasetResolver } from '../dataset';
import { ModelResolver, ModelVersionResolver } from '../registry';
import { ScenarioResolver } from '../scenario';
import { ApiKeyResolver, MemberResolver, TenantResolver } from '../tenant';
import { JobResolver } from '../training';
import type { ResolverClass } from './schema';

export const RESOLVER_CLASSES: readonly ResolverClass[] = [
  TenantResolver,
  MemberResolver,
  ApiKeyResolver,
  ScenarioResolver,
  DatasetResolver,
  ModelResolver,
  ModelVersionResolver,
  JobResolver,
];

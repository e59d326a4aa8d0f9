/** Every resolver class of the schema, one line a feature. `main.ts` makes the instances. */
import { ScenarioResolver } from '../scenario';
import { ApiKeyResolver, MemberResolver, TenantResolver } from '../tenant';
import type { ResolverClass } from './schema';

export const RESOLVER_CLASSES: readonly ResolverClass[] = [
  TenantResolver,
  MemberResolver,
  ApiKeyResolver,
  ScenarioResolver,
];

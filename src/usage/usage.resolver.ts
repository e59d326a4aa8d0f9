import { Arg, Ctx, ID, Query, Resolver } from 'type-graphql';
import type { ScenarioId } from '../../contracts';
import { Cost, Scope } from '../api/access';
import { idArgument } from '../api/connection';
import type { ApiContext } from '../api/context';
import type { Usage } from './usage.service';
import { UsageType, toUsageDay } from './usage.types';

@Resolver()
export class UsageResolver {
  constructor(private readonly service: Usage) {}

  @Scope('billing')
  @Cost(20)
  @Query(() => UsageType, {
    description: 'By day, scenario and meter, from `from` up to but not including `to`.',
  })
  async usage(
    @Ctx() api: ApiContext,
    @Arg('from', () => Date) from: Date,
    @Arg('to', () => Date) to: Date,
    @Arg('scenarioId', () => ID, { nullable: true }) scenarioId?: string | null,
  ): Promise<UsageType> {
    const period = { from, to };
    const scenario = scenarioId == null ? null : idArgument<ScenarioId>(scenarioId, 'scenario');
    const { fromMs, toMs } = this.service.passed(period);
    const days = await this.service.byDay(api.tenant, period, scenario);
    return { from: new Date(fromMs), to: new Date(toMs), days: days.map(toUsageDay) };
  }
}

import { Field, Float, ObjectType, Query, Resolver } from 'type-graphql';
import { OperatorOnly } from './access';
import { answersInTime } from './health';
import type { Health } from './health';

@ObjectType({ description: 'Something that the gateway depends on.' })
export class PlatformPart {
  @Field()
  name: string;
  @Field()
  reachable: boolean;
}

@ObjectType({ description: 'The installation, as the gateway that answers sees it.' })
export class PlatformStatus {
  @Field()
  gatewayId: string;
  @Field(() => Float)
  uptimeSeconds: number;
  @Field(() => [PlatformPart])
  parts: PlatformPart[];
}

@Resolver()
export class PlatformStatusResolver {
  constructor(
    private readonly gatewayId: string,
    private readonly checks: Health['checks'],
  ) {}

  @Query(() => PlatformStatus)
  @OperatorOnly()
  async platformStatus(): Promise<PlatformStatus> {
    const parts = await Promise.all(
      Object.entries(this.checks).map(async ([name, check]) => ({
        name,
        reachable: await answersInTime(check),
      })),
    );
    return { gatewayId: this.gatewayId, uptimeSeconds: process.uptime(), parts };
  }
}

import type { InvitationSecret } from './member.service';

/** Where an invited person goes. The token stands behind «#»: browsers keep that part from servers and their logs. */
export class InvitationLinks {
  constructor(private readonly publicUrl: () => string) {}

  with(invitation: InvitationSecret): InvitationSecret & { link: string } {
    return { ...invitation, link: new URL(`/invitation#${invitation.token}`, this.publicUrl()).href };
  }
}

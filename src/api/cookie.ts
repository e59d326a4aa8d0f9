/** The session cookie: one name, fixed flags. */

/** The `__Host-` prefix makes browsers hold it to this host and to https; plain http cannot have it. */
export const sessionCookie = (publicUrl: string): { readonly name: string; readonly secure: boolean } =>
  publicUrl.startsWith('https:')
    ? { name: '__Host-mm_session', secure: true }
    : { name: 'mm_session', secure: false };

export const cookieValue = (header: string | undefined, name: string): string | undefined =>
  header
    ?.split(';')
    .map((part) => part.trim())
    .find((part) => part.startsWith(`${name}=`))
    ?.slice(name.length + 1);

/** `value` must need no quoting, as our tokens do. */
export const setCookieHeader = (name: string, value: string, maxAgeS: number, secure: boolean): string =>
  `${name}=${value}; Max-Age=${maxAgeS}; Path=/; HttpOnly; SameSite=Strict${secure ? '; Secure' : ''}`;

/** True for a request that a page of another site made a browser send. */
export const fromOtherSite = (
  headers: { readonly origin?: string | undefined; readonly host?: string | undefined },
  publicUrl: string,
): boolean => {
  const { origin, host } = headers;
  const ours = [new URL(publicUrl).origin, `http://${host ?? ''}`, `https://${host ?? ''}`];
  return origin !== undefined && !ours.includes(origin);
};

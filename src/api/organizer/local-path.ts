/**
 * A page of organizers on this site, or undefined for any other address. It is read as browsers read it, because `//evil`, `/\evil`
 * and a path with a tab in it lead to another site (WHATWG URL).
 */
export function localPath(address: unknown): string | undefined {
  const here = 'http://here.invalid';
  if (typeof address !== 'string' || address.length > LONGEST || !URL.canParse(address, here))
    return undefined;
  const { origin, pathname, search } = new URL(address, here);
  const isPage = /^\/organizer(\/|$)/.test(pathname) && !pathname.startsWith('/organizer/sign-');
  return origin === here && isPage ? pathname + search : undefined;
}

/** Characters of an address to come back to: it is kept in a cookie. */
const LONGEST = 1000;

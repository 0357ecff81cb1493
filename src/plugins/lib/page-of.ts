/** What of an address tells one page from another. */
export interface PageRule {
  /**
   * Whether the fragment is part of the page: `path`, if it is a path (`#/…` or `#!…`), as in old single-page apps; `all`; `none`.
   * @defaultValue 'path'
   */
  hash?: 'path' | 'all' | 'none';
  /**
   * Which query parameters are part of the page: `all`, `none`, or those named. A change of one of these is a new page,
   * and no other is kept.
   * @defaultValue 'all'
   */
  query?: 'all' | 'none' | readonly string[];
}

/** The page an address shows: its path, with as much of query and fragment as the rule keeps. */
export function pageOf(href: string, { hash = 'path', query = 'all' }: PageRule): string {
  const url = new URL(href);
  if (query === 'none') url.search = '';
  else if (query !== 'all') {
    const kept = new URLSearchParams();
    // In the order of the option: the same parameters in another order are the same page.
    for (const name of query) for (const value of url.searchParams.getAll(name)) kept.append(name, value);
    url.search = `${kept}`;
  }
  const fragment = hash === 'all' || (hash === 'path' && /^#[/!]/.test(url.hash)) ? url.hash : '';
  return url.pathname + url.search + fragment;
}

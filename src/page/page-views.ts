/**
 * Calls `view` for the page, for each page the site shows without loading it, and when the page comes back from the back/forward
 * cache. A fragment is no page, unless it is a path (`#/…`, `#!…`). Nor is `replaceState`: it keeps filters and scroll positions.
 */
export function watchPageViews(view: () => void): void {
  const pageOf = () => location.href.replace(/#(?![/!]).*/, '');
  let last = pageOf();
  const look = (event?: { navigationType?: string | null }) => {
    const page = pageOf();
    // A task later, because most sites set the title after the address.
    if (page !== last && event?.navigationType !== 'replace') setTimeout(view);
    last = page;
  };

  if (window.navigation) navigation.addEventListener('currententrychange', look);
  else {
    const { pushState } = history;
    history.pushState = (...state) => {
      pushState.apply(history, state);
      look();
    };
    addEventListener('popstate', () => look());
  }
  addEventListener('pageshow', (event) => event.persisted && view());
  view();
}

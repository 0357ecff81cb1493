/**
 * Calls `view` for the page, for each page the site shows without loading it, and when the page comes back from the back/forward
 * cache. A fragment is no page, unless it is a path (`#/…`, `#!…`). `replaceState` is not listened to: it keeps filters and scroll positions.
 * By `pushState` and `popstate`, which every engine and router has; the plugin `page-views` uses the Navigation API.
 */
export function watchPageViews(view: () => void): void {
  const pageOf = () => location.href.replace(/#(?![/!]).*/, '');
  let last = pageOf();
  const look = () => {
    const page = pageOf();
    // A task later, because most sites set the title after the address.
    if (page !== last) setTimeout(view);
    last = page;
  };

  const { pushState } = history;
  history.pushState = (...state) => {
    pushState.apply(history, state);
    look();
  };
  addEventListener('popstate', look);
  addEventListener('pageshow', (event) => event.persisted && view());
  view();
}

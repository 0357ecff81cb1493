/**
 * Whether the ready-made worker file is the worker itself. Imported into a site's own one (`importScripts`), it must leave installation
 * and updates to that: with `skipWaiting()` a new release of the site would take over pages of the old one.
 *
 * A script cannot ask for its own address, so the worker's tells: it has Petrel's file name, or the scope at its side that the page
 * gives to no other (see `scope` in src/page/options.ts). Renamed, and at a scope of one's own choosing, it is taken for a site's: it
 * works, but a new release then comes with the next `register()` only.
 */
export function isOwn({ location, registration }: ServiceWorkerGlobalScope): boolean {
  const { origin, pathname } = location;
  return /\/petrel-sw[^/]*$/.test(pathname) || registration.scope === origin + pathname.replace(/\.\w+$/, '/');
}

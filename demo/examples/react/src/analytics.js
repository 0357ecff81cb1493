import { createTracker } from 'petrel';
import { pageViews } from 'petrel/plugins/page-views';

function create() {
  const tracker = createTracker({ endpoint: '/events', key: 'example' });
  // Outside of React: a page view belongs to the address, not to how often a component is mounted.
  tracker.use(pageViews());
  return tracker;
}

/** One for the whole app, made where no component can make it twice; hot replacement of this file keeps it. */
export const petrel = import.meta.hot?.data.petrel ?? create();

if (import.meta.hot) import.meta.hot.data.petrel = petrel;

import { createTracker } from 'petrel';
import { pageViews } from 'petrel/plugins/page-views';

/** On the server it starts nothing, sends nothing and keeps nothing: the same import serves both sides. */
export const petrel = createTracker({ endpoint: '/events', key: 'example' });

petrel.use(pageViews());

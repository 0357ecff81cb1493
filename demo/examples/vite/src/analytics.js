import { createTracker } from 'petrel';
import { pageViews } from 'petrel/plugins/page-views';

/**
 * Checked by the editor, without TypeScript: names, and the properties of each.
 * @typedef {{ 'Signed Up': { plan: 'free' | 'pro' } }} Events
 */

/** @type {import('petrel').Tracker<Events>} */
export const petrel = createTracker({ endpoint: '/events', key: 'example' });

petrel.use(pageViews());

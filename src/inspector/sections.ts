/** The panel's sections: each builds its elements once, and brings them up to date when asked. */
import type { TrackerStats } from '../page/api.js';
import type { Attempt, HostStats } from '../protocol.js';
import { filler, h, write } from './dom.js';
import type { EventWay, Note } from './journal.js';
import { dropsOf, type InspectorReport } from './report.js';
import { bytes, count, DROP_REASONS, duration, HOSTS, timeOfDay } from './words.js';

export interface Section {
  element: HTMLElement;
  update(report: InspectorReport): void;
}

type Batch = HostStats['batches'][number];

/** A heading that folds what is below it. */
function section(title: string, ...content: Node[]): HTMLElement {
  return h('details', { open: true }, h('summary', {}, title), ...content);
}

/** Four large numbers: where the events of the queue are. */
export function createTotals(): Section {
  const tiles = (['waiting', 'inFlight', 'delivered', 'dropped'] as const).map((counter) => {
    const titles = { waiting: 'Waiting', inFlight: 'On their way', delivered: 'Delivered', dropped: 'Dropped' };
    const number = h('dd');
    return { counter, number, tile: h('div', { 'data-counter': counter }, h('dt', {}, titles[counter]), number) };
  });
  return {
    element: h('dl', { class: 'totals', 'aria-label': 'Events in the queue' }, ...tiles.map(({ tile }) => tile)),
    update({ stats }) {
      for (const { counter, number, tile } of tiles) {
        const value = stats[counter];
        write(number, value === undefined ? '–' : count(value));
        tile.toggleAttribute('data-some', !!value);
      }
    },
  };
}

/** Names and values, one below the other. */
function createFacts(title: string, facts: (report: InspectorReport) => [name: string, value: string][]): Section {
  const list = h('dl', { class: 'facts' });
  const fill = filler<[string, string]>(list, (items) =>
    items.map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value))),
  );
  return { element: section(title, list), update: (report) => fill(facts(report)) };
}

export const createQueueFacts = (): Section =>
  createFacts('Queue', ({ stats, takenAt }) => [
    ['Not yet stored', count(stats.page.unacknowledged)],
    ['Size', stats.bytes === undefined ? '–' : bytes(stats.bytes)],
    ['Oldest', stats.oldestAt === undefined ? '–' : duration(takenAt - stats.oldestAt)],
    ['In quarantine', stats.quarantined === undefined ? '–' : count(stats.quarantined)],
    ['Failures in a row', count(stats.failures ?? 0)],
  ]);

export const createTrackerFacts = (): Section =>
  createFacts('Tracker', ({ stats, version }) => [
    ['Queue kept by', keeper(stats)],
    ['Its release', stats.host?.version ?? '–'],
    ['This inspector', version],
    ['Consent', stats.page.consent ?? 'not told'],
    ['Source', stats.page.source],
    ['Last number', count(stats.page.seq)],
  ]);

function keeper({ accepted, host }: TrackerStats): string {
  if (host) return HOSTS[host.kind];
  return accepted === undefined ? 'nobody yet' : 'an older release, which does not tell';
}

export function createBatches(): Section {
  const list = h('ol', { class: 'rows' });
  const empty = h('p', { class: 'none' }, 'None on its way.');
  const fill = filler<Batch & { age: string }>(list, (batches) =>
    batches.map(({ id, events, bytes: size, attempt, age }) =>
      h(
        'li',
        {},
        h('code', { title: id }, id.slice(0, 8)),
        h('span', { class: 'grow' }, `${count(events)} ${events === 1 ? 'event' : 'events'}, ${bytes(size)}`),
        h('span', { class: 'quiet' }, `${age} old`),
        h('span', { class: attempt > 0 ? 'chip wait' : 'chip' }, attempt > 0 ? `failed ${attempt}×` : 'first attempt'),
      ),
    ),
  );
  return {
    element: section('Batches', empty, list),
    update({ stats: { batches = [] }, takenAt }) {
      empty.hidden = batches.length > 0;
      fill(batches.map((batch) => ({ ...batch, age: duration(takenAt - batch.createdAt) })));
    },
  };
}

export function createDrops(): Section {
  const list = h('ul', { class: 'rows' });
  const empty = h('p', { class: 'none' }, 'None.');
  const fill = filler<ReturnType<typeof dropsOf>[number]>(list, (drops) =>
    drops.map(({ reason, queue, page }) =>
      h(
        'li',
        { 'data-reason': reason },
        h('b', { class: 'bad' }, count(queue + page)),
        h('code', {}, reason),
        h('span', { class: 'grow quiet' }, DROP_REASONS[reason as keyof typeof DROP_REASONS] ?? ''),
        page > 0 && h('span', { class: 'chip' }, queue > 0 ? `${count(page)} in this page` : 'in this page'),
      ),
    ),
  );
  return {
    element: section('Dropped, and why', empty, list),
    update({ stats }) {
      const drops = dropsOf(stats);
      empty.hidden = drops.length > 0;
      fill(drops);
    },
  };
}

/** How far an event has come, in words. */
export function wayInWords(way: EventWay): string {
  const { trackedAt, storedAt, sentAt, deliveredAt, droppedAt, leftAt, attempts, reason, detail } = way;
  if (droppedAt !== undefined) return `dropped: ${reason}${detail ? ` (${detail})` : ''}`;
  if (deliveredAt !== undefined) {
    return `acknowledged after ${duration(deliveredAt - trackedAt)}${attempts > 1 ? `, sent ${attempts} times` : ''}`;
  }
  if (leftAt !== undefined) return 'left the queue while this page was hidden';
  if (sentAt !== undefined) return attempts > 1 ? `sent ${attempts} times, not acknowledged` : 'sent';
  return storedAt === undefined ? 'tracked' : `stored after ${duration(storedAt - trackedAt)}`;
}

const STEPS = ['tracked', 'stored', 'sent', 'acknowledged'];

/** How many of the {@link STEPS} are behind it. */
function stepsOf({ storedAt, sentAt, deliveredAt }: EventWay): number {
  if (deliveredAt !== undefined) return 4;
  if (sentAt !== undefined) return 3;
  return storedAt === undefined ? 1 : 2;
}

export function createEvents(): Section {
  const list = h('ol', { class: 'events' });
  const empty = h('p', { class: 'none' }, 'None since the inspector was opened.');
  const fill = filler<EventWay>(list, (events) =>
    events.map((way) => {
      const lost = way.droppedAt !== undefined;
      const steps = stepsOf(way);
      return h(
        'li',
        { class: lost ? 'lost' : '' },
        h('span', { class: 'name' }, way.name || '(no name)'),
        h('span', { class: 'quiet' }, way.seq === undefined ? '' : `#${way.seq}`),
        h(
          'span',
          { class: 'way', 'aria-hidden': 'true', title: STEPS.join(' → ') },
          ...STEPS.map((_, i) => h('i', { class: i < steps ? 'done' : '' })),
        ),
        h('span', { class: 'said' }, `${timeOfDay(way.trackedAt)} · ${wayInWords(way)}`),
      );
    }),
  );
  return {
    element: section('Last events', empty, list),
    update({ events }) {
      empty.hidden = events.length > 0;
      fill(events.slice(0, 20));
    },
  };
}

/** Colour of an outcome. */
const kindOf = ({ outcome }: Attempt): string =>
  outcome === 'delivered' ? 'good' : outcome === 'refused' || outcome === 'held' ? 'bad' : 'wait';

export function createAttempts(): Section {
  const list = h('ol', { class: 'rows' });
  const empty = h('p', { class: 'none' }, 'None since the queue’s host was started.');
  const fill = filler<Attempt>(list, (attempts) =>
    attempts.map((attempt) =>
      h(
        'li',
        {},
        h('time', { class: 'quiet' }, timeOfDay(attempt.at)),
        h('span', { class: `chip ${kindOf(attempt)}` }, attempt.outcome),
        h(
          'span',
          { class: 'grow' },
          `${count(attempt.events)} ${attempt.events === 1 ? 'event' : 'events'} in ${duration(attempt.ms)}`,
          attempt.attempt > 1 && `, attempt ${attempt.attempt}`,
        ),
        !!attempt.detail && h('span', { class: 'detail' }, attempt.detail),
      ),
    ),
  );
  return {
    element: section('Last answers', empty, list),
    update({ stats: { host } }) {
      const attempts = [...(host?.attempts ?? [])].reverse();
      empty.hidden = attempts.length > 0;
      fill(attempts);
    },
  };
}

export function createNotes(): Section {
  const list = h('ol', { class: 'rows' });
  const empty = h('p', { class: 'none' }, 'Nothing was told yet.');
  const fill = filler<Note>(list, (notes) =>
    notes.map(({ at, what, detail }) =>
      h(
        'li',
        {},
        h('time', { class: 'quiet' }, timeOfDay(at)),
        h('span', { class: what.startsWith('error') ? 'chip bad' : 'chip' }, what),
        !!detail && h('span', { class: 'detail' }, detail),
      ),
    ),
  );
  return {
    element: section('States and errors', empty, list),
    update({ notes }) {
      empty.hidden = notes.length > 0;
      fill(notes);
    },
  };
}

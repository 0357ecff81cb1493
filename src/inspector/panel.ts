/** The overlay itself: a frame in a shadow tree, its head, its foot, and the sections between them. */
import { h, set, write } from './dom.js';
import type { InspectorReport, QueueStateWord } from './report.js';
import {
  createAttempts,
  createBatches,
  createDrops,
  createEvents,
  createNotes,
  createQueueFacts,
  createTotals,
  createTrackerFacts,
} from './sections.js';
import { STYLES } from './styles.js';
import { count, countdown, STATES } from './words.js';

export interface PanelActions {
  /** Sends what waits; resolves with what to say of it. */
  flush(): Promise<string>;
  report(): InspectorReport;
  close(): void;
}

export interface Panel {
  /** Whether only the pill is shown. */
  readonly folded: boolean;
  update(report: InspectorReport): void;
  remove(): void;
}

/** How long a word of thanks stays, in ms. */
const TOLD_MS = 4_000;

const TONES: { [state in QueueStateWord]: string } = {
  sending: 'move',
  idle: 'good',
  waiting: 'move',
  looking: 'quiet',
  backoff: 'wait',
  'rate-limited': 'wait',
  held: 'bad',
  blocked: 'bad',
};

export function createPanel(actions: PanelActions): Panel {
  const host = document.createElement('petrel-inspector');
  const root = host.attachShadow({ mode: 'open' });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(STYLES);
  root.adoptedStyleSheets = [sheet];

  const state = h('span', { class: 'state', role: 'status' });
  const pause = createPause();
  const sections = [
    createTotals(),
    createQueueFacts(),
    createBatches(),
    createDrops(),
    createEvents(),
    createAttempts(),
    createNotes(),
    createTrackerFacts(),
  ];
  const told = h('span', { class: 'told', role: 'status' });
  const text = h('textarea', { readonly: true, hidden: true, 'aria-label': 'Report as JSON' });
  const flush = h('button', { type: 'button', click: () => void send() }, 'Send now');
  const fold = h('button', { type: 'button', class: 'icon', 'aria-label': 'Minimise', click: () => show(true) }, '–');
  const panel = h(
    'section',
    { class: 'panel', 'aria-label': 'Petrel inspector', keydown: foldByKey },
    h(
      'header',
      {},
      h('h2', {}, 'Petrel'),
      state,
      fold,
      h('button', { type: 'button', class: 'icon', 'aria-label': 'Close', click: actions.close }, '×'),
    ),
    h(
      'div',
      { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': 'Queue, drops and events' },
      pause.element,
      ...sections.map(({ element }) => element),
    ),
    h('footer', {}, flush, h('button', { type: 'button', click: () => void copy() }, 'Copy as JSON'), told, text),
  );
  const pill = h('button', { type: 'button', class: 'pill', hidden: true, click: () => show(false) });
  root.append(panel, pill);
  // Not in the body: frameworks replace what is in there.
  document.documentElement.append(host);

  let folded = false;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function say(words: string): void {
    write(told, words);
    clearTimeout(timer);
    timer = setTimeout(() => write(told, ''), TOLD_MS);
  }

  async function send(): Promise<void> {
    flush.disabled = true;
    say(await actions.flush());
    flush.disabled = false;
  }

  async function copy(): Promise<void> {
    const json = JSON.stringify(actions.report(), null, 2);
    try {
      await navigator.clipboard.writeText(json);
      text.hidden = true;
      say('Copied.');
    } catch {
      // Not permitted, or an http: page, which has no clipboard: by hand.
      text.hidden = false;
      text.value = json;
      text.select();
      say('The clipboard is not to be had: copy it here.');
    }
  }

  function show(next: boolean): void {
    folded = next;
    panel.hidden = folded;
    pill.hidden = !folded;
    (folded ? pill : fold).focus();
  }

  function foldByKey(event: Event): void {
    if ((event as KeyboardEvent).key !== 'Escape') return;
    // The page's own dialogs stay open.
    event.stopPropagation();
    show(true);
  }

  return {
    get folded() {
      return folded;
    },
    update(report) {
      const { state: word, stats } = report;
      for (const element of [state, pill]) set(element, 'data-tone', TONES[word]);
      set(state, 'data-state', word);
      write(state, STATES[word]!);
      const waiting = (stats.waiting ?? 0) + (stats.inFlight ?? 0) + stats.page.unacknowledged;
      write(pill, `Petrel: ${count(waiting)} waiting${stats.dropped ? `, ${count(stats.dropped)} dropped` : ''}`);
      if (folded) return;
      pause.update(report);
      for (const section of sections) section.update(report);
    },
    remove() {
      clearTimeout(timer);
      host.remove();
    },
  };
}

/** The wait for the next attempt: how long still, and why. */
function createPause() {
  const left = h('time');
  const why = h('p');
  const bar = h('progress', { 'aria-hidden': 'true' });
  const element = h(
    'div',
    { class: 'pause', hidden: true },
    h('p', { class: 'next' }, 'Next attempt in', left),
    bar,
    why,
  );
  let until: number | undefined;
  return {
    element,
    update({ stats: { nextAttemptAt, lastFailure, failures = 0, pausedBy }, takenAt }: InspectorReport) {
      element.hidden = nextAttemptAt === undefined;
      if (nextAttemptAt === undefined) {
        until = undefined;
        return;
      }
      const rest = Math.max(0, nextAttemptAt - takenAt);
      if (until !== nextAttemptAt) {
        until = nextAttemptAt;
        bar.max = Math.max(1, rest);
      }
      bar.value = rest;
      write(left, countdown(rest));
      const times = failures > 1 ? `${count(failures)} failures in a row` : '';
      write(why, [pausedBy, times, lastFailure].filter(Boolean).join(' · '));
    },
  };
}

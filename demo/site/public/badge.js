// A component of the demo, not of Petrel: shows in the page what tracker.stats() says, and lets one try a burst.

const STYLE = `
  :host { all: initial; position: fixed; right: max(1rem, env(safe-area-inset-right)); bottom: max(1rem, env(safe-area-inset-bottom)); z-index: 4;
    font: 14px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif; font-variant-numeric: tabular-nums;
    --ground: #14213a; --ink: #f6f2ea; --ink-2: #b4bfd0; --line: #33435f; --ok: #5fcb92; --wait: #f0b04a; --bad: #f38a72; color: var(--ink); }
  @media (prefers-color-scheme: dark) { :host { --ground: #22324e; --line: #41547a; } }
  :host([hidden]), [hidden] { display: none !important; }
  button, a { font: inherit; color: inherit; cursor: pointer; }
  :focus-visible { outline: 3px solid #f0b04a; outline-offset: 2px; }
  .pill { display: flex; align-items: center; gap: 9px; min-height: 44px; margin-left: auto; padding: 0 16px 0 14px; border: 1px solid var(--line);
    border-radius: 22px; background: var(--ground); box-shadow: 0 2px 12px rgb(10 18 34 / .28); }
  .dot { width: 10px; height: 10px; border-radius: 50%; background: var(--ink-2); flex: none; }
  .dot.ok { background: var(--ok); } .dot.wait { background: var(--wait); } .dot.bad { background: var(--bad); }
  .panel { width: min(20rem, calc(100vw - 2rem)); margin-bottom: 8px; padding: 14px 16px 16px; border: 1px solid var(--line); border-radius: 10px;
    background: var(--ground); box-shadow: 0 8px 32px rgb(10 18 34 / .35); }
  h2 { margin: 0 0 2px; font-size: 15px; font-weight: 650; }
  p { margin: 0; color: var(--ink-2); }
  dl { display: grid; grid-template-columns: 1fr auto; gap: 3px 16px; margin: 12px 0; padding: 10px 0; border: solid var(--line); border-width: 1px 0; }
  dt { color: var(--ink-2); } dd { margin: 0; text-align: right; font-weight: 600; }
  .acts { display: flex; flex-wrap: wrap; gap: 8px; }
  .acts button { min-height: 36px; padding: 0 11px; border: 1px solid var(--ink-2); border-radius: 6px; background: none; }
  .acts button:hover { background: var(--line); }
  .more { display: inline-block; margin-top: 12px; color: var(--ink); text-underline-offset: 3px; }
`;

const HTML = `
  <div class="panel" id="panel" hidden>
    <h2>Petrel in this page</h2>
    <p id="mode"></p>
    <dl>
      <dt>Waiting or on the way</dt><dd id="waiting">–</dd>
      <dt>Delivered</dt><dd id="delivered">–</dd>
      <dt>Dropped</dt><dd id="dropped">–</dd>
      <dt>Not yet stored by the worker</dt><dd id="unacknowledged">–</dd>
      <dt>Tracked by this page</dt><dd id="tracked">–</dd>
    </dl>
    <div class="acts">
      <button type="button" data-burst="1">Track 1</button>
      <button type="button" data-burst="100">100</button>
      <button type="button" data-burst="1000">1,000 events</button>
      <button type="button" id="flush">Send now</button>
    </div>
    <a class="more" href="/live" target="live">What the collector received</a>
  </div>
  <button type="button" class="pill" id="pill" aria-expanded="false" aria-controls="panel"><span class="dot" id="dot"></span><span id="words">Petrel</span></button>
`;

/** How often the tracker is asked, in ms. In a hidden page it is not asked at all. */
const ASK_MS = 1000;
const PAUSES = {
  backoff: 'waiting to try again',
  'rate-limited': 'asked to wait',
  held: 'refused: key or address',
  blocked: 'blocked',
};

class PetrelBadge extends HTMLElement {
  #root = this.attachShadow({ mode: 'open' });
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;
  #asking = false;

  connectedCallback() {
    const sheet = new CSSStyleSheet(); // made by script: allowed under style-src 'self'
    sheet.replaceSync(STYLE);
    this.#root.adoptedStyleSheets = [sheet];
    this.#root.innerHTML = HTML;
    this.#at('pill').addEventListener('click', () => this.#open(this.#at('panel').hidden));
    this.#root.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') this.#open(false);
    });
    for (const button of this.#root.querySelectorAll('[data-burst]')) {
      button.addEventListener('click', () => {
        const count = Number(button.dataset.burst);
        for (let n = 1; n <= count; n++) window.petrel?.track('Burst', { n, of: count });
        this.#ask();
      });
    }
    this.#at('flush').addEventListener('click', async () => {
      // A backoff ends when the browser says that the network is back. It never says so of localhost, so this does.
      dispatchEvent(new Event('online'));
      await window.petrel?.flush();
      this.#ask();
    });
    this.#timer = setInterval(() => this.#ask(), ASK_MS);
    addEventListener('pageshow', () => this.#ask());
    this.#ask();
  }

  disconnectedCallback() {
    clearInterval(this.#timer);
  }

  /** @param {string} id */
  #at(id) {
    return this.#root.getElementById(id);
  }

  /** @param {boolean} open */
  #open(open) {
    this.#at('panel').hidden = !open;
    this.#at('pill').setAttribute('aria-expanded', String(open));
    if (open) this.#ask();
  }

  async #ask() {
    const tracker = window.petrel;
    if (document.hidden || this.#asking) return;
    // The stub in its place is an array of calls.
    if (!tracker || Array.isArray(tracker)) return this.#show('', 'Petrel is loading');
    this.#asking = true;
    try {
      const stats = await tracker.stats();
      const waiting = (stats.waiting ?? 0) + (stats.inFlight ?? 0) + stats.page.unacknowledged;
      const droppedHere = Object.values(stats.page.dropped).reduce((sum, n) => sum + n, 0);
      this.#at('waiting').textContent = waiting;
      this.#at('delivered').textContent = stats.delivered ?? '–';
      this.#at('dropped').textContent = (stats.dropped ?? 0) + droppedHere;
      this.#at('unacknowledged').textContent = stats.page.unacknowledged;
      this.#at('tracked').textContent = stats.page.seq;
      this.#at('mode').textContent = await this.#mode(stats);
      if (stats.pausedBy) {
        const left = Math.max(0, Math.ceil((stats.nextAttemptAt - Date.now()) / 1000));
        this.#show('wait', `${waiting} waiting, next try in ${left} s`);
      } else if (waiting > 0) this.#show('wait', `${waiting} waiting`);
      else this.#show('ok', `${stats.delivered ?? 0} delivered`);
    } catch {
      this.#show('bad', 'Petrel does not answer');
    } finally {
      this.#asking = false;
    }
  }

  /** Where the queue lives, and why nothing is sent, if so. */
  async #mode(stats) {
    if (stats.pausedBy)
      return `Nothing is sent: ${PAUSES[stats.pausedBy]}${stats.lastFailure ? ` (${stats.lastFailure})` : ''}.`;
    // Asked for a path, a browser answers with whatever worker would control it: the scope says whose it is.
    const registrations = (await navigator.serviceWorker?.getRegistrations().catch(() => [])) ?? [];
    const active = (scope) => registrations.some((each) => each.active && new URL(each.scope).pathname === scope);
    if (location.pathname.startsWith('/tides') && active('/tides'))
      return "The queue is in this app's own service worker.";
    return active('/petrel-sw/')
      ? 'The queue is in a service worker of its own.'
      : 'The queue is in this page: no worker yet.';
  }

  /** @param {string} dot @param {string} words */
  #show(dot, words) {
    this.#at('dot').className = `dot ${dot}`;
    if (this.#at('words').textContent !== words) this.#at('words').textContent = words;
  }
}

customElements.define('petrel-badge', PetrelBadge);

// What the stories need in a page: the tracker under test, under one name in all pages.
window.harness = {
  tracker: undefined,
  /** On plugins.html: what is in use, by the name of its file. */
  plugins: {},
  /** What `on('dropped')` told. Only with `watch`: a listener costs messages. */
  dropped: [],
  /** Tracked in the click on a link, before the page is left. */
  trackOnClick: [],

  use(tracker) {
    this.tracker = tracker;
    addEventListener('click', (event) => {
      if (event.target.closest?.('a')) this.track(this.trackOnClick.splice(0));
    });
  },

  watch() {
    this.tracker.on('dropped', (drop) => this.dropped.push(drop));
  },

  track(names, properties) {
    for (const name of names) this.tracker.track(name, properties);
  },
};

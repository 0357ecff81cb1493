import mixpanel from 'mixpanel-browser/src/loaders/loader-module-core.js';

globalThis.sdk = {
  start({ collector }) {
    mixpanel.init('bench', {
      api_host: `${collector}/mixpanel`,
      autocapture: false,
      track_pageview: false,
      persistence: 'localStorage',
    });
  },
  track: (name, properties) => void mixpanel.track(name, properties),
  page: () => void mixpanel.track_pageview(),
};

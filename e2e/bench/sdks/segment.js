import { AnalyticsBrowser } from '@segment/analytics-next';

let analytics;
globalThis.sdk = {
  start({ collector }) {
    const { host } = new URL(collector);
    const settings = { apiKey: 'bench', apiHost: `${host}/segment/v1`, protocol: 'http' };
    analytics = AnalyticsBrowser.load({
      writeKey: 'bench',
      cdnSettings: { integrations: { 'Segment.io': settings } },
    });
  },
  ready: () => analytics.ready(),
  track: (name, properties) => void analytics.track(name, properties),
  page: () => void analytics.page(),
};

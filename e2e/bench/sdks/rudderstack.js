import { RudderAnalytics } from '@rudderstack/analytics-js/lite';

const analytics = new RudderAnalytics();
let loaded;
globalThis.sdk = {
  start({ collector }) {
    loaded = new Promise((resolve) => {
      analytics.load('bench', `${collector}/rudderstack`, {
        getSourceConfig: () => ({
          source: {
            id: 'bench',
            name: 'bench',
            writeKey: 'bench',
            workspaceId: 'bench',
            enabled: true,
            config: { statsCollection: { errors: { enabled: false }, metrics: { enabled: false } } },
            connections: [],
            destinations: [],
            dataplanes: {},
            updatedAt: '2026-01-01T00:00:00.000Z',
          },
        }),
        plugins: ['XhrQueue'],
        loadIntegration: false,
        logLevel: 'NONE',
        onLoaded: resolve,
      });
    });
  },
  ready: () => loaded,
  track: (name, properties) => analytics.track(name, properties),
  page: () => analytics.page(),
};

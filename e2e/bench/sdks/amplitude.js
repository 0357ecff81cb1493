import * as amplitude from '@amplitude/analytics-browser';

let started;
globalThis.sdk = {
  start({ collector }) {
    started = amplitude.init('bench', {
      serverUrl: `${collector}/amplitude`,
      autocapture: false,
      fetchRemoteConfig: false,
      enableDiagnostics: false,
      logLevel: 0,
    }).promise;
  },
  ready: () => started,
  track: (name, properties) => void amplitude.track(name, properties),
  page: () => void amplitude.track('[Amplitude] Page Viewed'),
};

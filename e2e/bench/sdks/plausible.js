import { init, track } from '@plausible-analytics/tracker';

globalThis.sdk = {
  start({ collector }) {
    init({
      domain: 'bench.example',
      endpoint: `${collector}/plausible`,
      autoCapturePageviews: false,
      captureOnLocalhost: true,
      logging: false,
    });
  },
  track: (name, props) => track(name, { props }),
  page: () => track('pageview', {}),
};

import { initializeFaro } from '@grafana/faro-web-sdk';

let faro;
globalThis.sdk = {
  start({ collector }) {
    faro = initializeFaro({ url: `${collector}/faro`, app: { name: 'bench', version: '1' }, instrumentations: [] });
  },
  /** It takes strings only. */
  prepare: (properties) => Object.fromEntries(Object.entries(properties).map(([key, value]) => [key, String(value)])),
  track: (name, properties) => faro.api.pushEvent(name, properties),
  page: () => faro.api.pushEvent('page'),
};

import { newTracker, trackPageView, trackSelfDescribingEvent } from '@snowplow/browser-tracker';

const schemas = new Map();
const schemaOf = (name) => {
  let schema = schemas.get(name);
  if (!schema) {
    schema = `iglu:com.bench/${name.toLowerCase().replaceAll(' ', '_')}/jsonschema/1-0-0`;
    schemas.set(name, schema);
  }
  return schema;
};

globalThis.sdk = {
  start({ collector }) {
    newTracker('bench', `${collector}/snowplow`, { appId: 'bench', platform: 'web' });
  },
  track: (name, data) => trackSelfDescribingEvent({ event: { schema: schemaOf(name), data } }),
  page: () => trackPageView(),
};

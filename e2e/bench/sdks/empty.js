// The page without an SDK: what it costs is subtracted from the others.
globalThis.sdk = {
  start() {},
  track() {},
  page() {},
};

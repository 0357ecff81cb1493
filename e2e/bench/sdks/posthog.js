import posthog from 'posthog-js';

globalThis.sdk = {
  start({ collector }) {
    posthog.init('phc_bench', {
      api_host: `${collector}/posthog`,
      autocapture: false,
      capture_pageview: false,
      capture_pageleave: false,
      capture_dead_clicks: false,
      capture_heatmaps: false,
      capture_performance: false,
      capture_exceptions: false,
      disable_session_recording: true,
      disable_surveys: true,
      disable_external_dependency_loading: true,
      advanced_disable_flags: true,
      // Headless browsers are robots to it.
      opt_out_useragent_filter: true,
      // Its default drops what is more than 10 events a second.
      rate_limiting: { events_per_second: 100_000, events_burst_limit: 100_000 },
    });
  },
  track: (name, properties) => posthog.capture(name, properties),
  page: () => posthog.capture('$pageview'),
};

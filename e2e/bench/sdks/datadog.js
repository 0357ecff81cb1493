import { datadogLogs } from '@datadog/browser-logs';

globalThis.sdk = {
  start({ collector }) {
    datadogLogs.init({
      clientToken: 'bench',
      site: 'datadoghq.com',
      proxy: `${collector}/datadog`,
      service: 'bench',
      sessionSampleRate: 100,
      telemetrySampleRate: 0,
    });
  },
  track: (name, properties) => datadogLogs.logger.info(name, properties),
  page: () => datadogLogs.logger.info('page'),
};

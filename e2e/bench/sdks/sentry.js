import { BrowserClient, defaultStackParser, getCurrentScope, logger, makeFetchTransport } from '@sentry/browser';

globalThis.sdk = {
  start({ collector }) {
    // Without the default integrations: they record errors, clicks and requests.
    const client = new BrowserClient({
      dsn: `${collector.replace('://', '://bench@')}/1`,
      enableLogs: true,
      integrations: [],
      transport: makeFetchTransport,
      stackParser: defaultStackParser,
    });
    getCurrentScope().setClient(client);
    client.init();
  },
  track: (name, properties) => logger.info(name, properties),
  page: () => logger.info('page'),
};

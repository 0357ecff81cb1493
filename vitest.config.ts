import { playwright } from '@vitest/browser-playwright';
import { defineConfig } from 'vitest/config';
import { chromiumLaunchOptions } from './scripts/find-chromium.mjs';

// unit     what runs in Node: engine, collector, worker and page parts with fake platforms
// servers  sinks, against the servers they write to, which each file starts for itself
// browser  what needs the real platform (IndexedDB, service workers, streams): the same contract suites, in Chromium
// package  what `npm run build` made, and the demo over it: run it after a build
export default defineConfig({
  define: { __VERSION__: JSON.stringify('0.0.0-test') },
  test: {
    // No test waits for real time, but some search thousands of schedules, on machines that do other things as well.
    testTimeout: 30_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          environment: 'node',
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.browser.test.ts', 'test/**/*.server.test.ts', 'test/package/**', 'test/demo/**'],
        },
      },
      {
        extends: true,
        test: {
          name: 'servers',
          environment: 'node',
          include: ['test/**/*.server.test.ts'],
          globalSetup: ['scripts/install-servers.mjs'],
        },
      },
      {
        extends: true,
        test: {
          name: 'browser',
          include: ['test/**/*.browser.test.ts'],
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            provider: playwright({ launchOptions: chromiumLaunchOptions() }),
            instances: [{ browser: 'chromium' }],
          },
        },
      },
      {
        extends: true,
        test: {
          name: 'package',
          environment: 'node',
          include: ['test/package/**/*.test.ts', 'test/demo/**/*.test.ts'],
          // They start compilers and command lines, which take their time on a small machine.
          testTimeout: 60_000,
        },
      },
    ],
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts', 'sw/**/*.ts'],
      reporter: ['text', 'html', 'json-summary'],
    },
  },
});

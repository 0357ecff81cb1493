import { defineConfig } from '@playwright/test';
import type { EngineName } from './support/visitor.js';

// The same stories in three engines. Each brings its own driver (support/visitor.ts); what one cannot be made to do is skipped with
// the reason. Needs Debian's firefox-esr, webkit2gtk-driver and xvfb, which support/install-engines.ts installs where it may.
const engines: EngineName[] = ['chromium', 'firefox', 'webkitgtk'];

export default defineConfig<{ engine: EngineName }>({
  testDir: '.',
  testMatch: '**/*.spec.ts',
  outputDir: '../test-results',
  globalSetup: './support/install-engines.ts',
  workers: 2,
  retries: 0,
  timeout: 90_000,
  forbidOnly: !!process.env.CI,
  reporter: 'list',
  projects: engines.map((engine) => ({ name: engine, use: { engine } })),
});

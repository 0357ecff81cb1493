import { defineConfig } from '@playwright/test';
import engines from './engines.config.js';

// What is measured, not tested: a machine decides how long it takes. One browser at a time, so that none waits for another.
export default defineConfig(engines, {
  testMatch: '**/*.measure.ts',
  workers: 1,
  timeout: 480_000,
  // They print what they found.
  reporter: 'line',
});

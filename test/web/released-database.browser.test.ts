import { describe } from 'vitest';
import v0_1_0 from '../fixtures/database-0.1.0.json' with { type: 'json' };
import type { DatabaseDump } from '../support/database-dump.js';
import { takesUp } from './released-database.story.js';

describe('the databases of earlier releases, in Chromium', () => {
  takesUp('0.1.0', v0_1_0 as unknown as DatabaseDump);
});

import { createMemoryStore } from '../../src/core/memory-store.js';
import { type Item, storeContract } from '../contract/store.contract.js';

storeContract('the memory store', () => ({ store: createMemoryStore<Item>() }));

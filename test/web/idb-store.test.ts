import 'fake-indexeddb/auto';
import { storeContract } from '../contract/store.contract.js';
import { idbStoreFixture } from './idb-store.fixture.js';

storeContract('the IndexedDB store (fake-indexeddb)', idbStoreFixture);

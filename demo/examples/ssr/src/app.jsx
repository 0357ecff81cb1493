import { petrel } from './analytics.js';

// Tracked while rendering only to show that this is harmless on a server; in an app, track in handlers and effects.
if (import.meta.env.SSR) petrel.track('Rendered On The Server');

export function App({ path }) {
  return (
    <>
      <h1>You are at {path}</h1>
      <button type="button" onClick={() => petrel.track('Signed Up', { plan: 'free' })}>
        Sign up
      </button>
    </>
  );
}

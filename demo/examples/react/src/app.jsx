import { useState } from 'react';
import { petrel } from './analytics.js';
import { useTrackOnce } from './use-track-once.js';

export function App() {
  const [plan, setPlan] = useState('free');
  useTrackOnce('Offer Seen', { plan });

  return (
    <>
      <h1>Pick a plan</h1>
      <select value={plan} onChange={(event) => setPlan(event.target.value)}>
        <option>free</option>
        <option>pro</option>
      </select>
      <button type="button" onClick={() => petrel.track('Signed Up', { plan })}>
        Sign up
      </button>
    </>
  );
}

import { useEffect, useRef } from 'react';
import { petrel } from './analytics.js';

/** Tracks an event when the component is shown: once, although StrictMode runs effects twice. */
export function useTrackOnce(name, properties) {
  const tracked = useRef(false);
  useEffect(() => {
    if (tracked.current) return;
    tracked.current = true;
    petrel.track(name, properties);
  });
}

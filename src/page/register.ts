import { Workbox } from 'workbox-window';
import type { EngineHost } from './host.js';
import type { ServiceWorkerOptions } from './options.js';

/** At the latest after 2 s. (`setTimeout` takes it for 0.) */
const IDLE = { timeout: 2_000 } as IdleRequestOptions & number;

/** The part of Trusted Types used here; TypeScript's DOM library does not have it. */
interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): string };
}

/**
 * Makes a host, once the browser is idle (Safari has no idle callback): nobody waits for analytics.
 * A worker where one is wanted and to be had, else the engine in the page. Rejects when the engine cannot be loaded.
 *
 * @param url of the worker's script; false: no worker
 * @param scope the worker's
 * @param own the registration of the site's own worker, in place of both
 */
export async function createHost(
  createWorkerHost: (registration: ServiceWorkerRegistration) => EngineHost,
  url: false | NonNullable<ServiceWorkerOptions['url']>,
  scope: string,
  own?: ServiceWorkerRegistration,
): Promise<EngineHost> {
  await new Promise((resolve) => (self.requestIdleCallback ?? setTimeout)(resolve, IDLE));
  if (url)
    try {
      const registration = own ?? (await register(url, scope));
      await activation(registration);
      return createWorkerHost(registration);
    } catch {
      // Refused: the page does it.
    }
  return (await import('./in-page-host.js')).openInPageHost();
}

/** Rejects when the browser refuses: content security policy, no such file, or one of another type. */
async function register(
  url: NonNullable<ServiceWorkerOptions['url']>,
  scope: string,
): Promise<ServiceWorkerRegistration> {
  const registration = await new Workbox(trusted(url) as string, { scope }).register({ immediate: true });
  if (!registration) throw new Error('registered before');
  return registration;
}

/**
 * Resolves when the registration has an active worker. Workbox's own promise waits for an `updatefound` that never comes
 * when another tab began the installation.
 */
function activation(registration: ServiceWorkerRegistration): Promise<void> {
  return new Promise((resolve, reject) => {
    const look = () => {
      const worker = registration.installing ?? registration.waiting;
      if (registration.active) resolve();
      else if (!worker) reject(new Error('the worker was not installed'));
      else worker.addEventListener('statechange', look, { once: true });
    };
    look();
  });
}

/** Where Trusted Types are enforced, registering wants more than a string: a policy that lets this one url pass. */
function trusted(url: NonNullable<ServiceWorkerOptions['url']>) {
  const { trustedTypes } = self as { trustedTypes?: TrustedTypes };
  if (typeof url !== 'string' || !trustedTypes) return url;
  try {
    return trustedTypes.createPolicy('petrel', { createScriptURL: () => url }).createScriptURL(url);
  } catch {
    // The page's policy has no `petrel`: fine where types are not enforced.
    return url;
  }
}

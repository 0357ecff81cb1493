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
 */
export async function createHost(
  worker: false | ServiceWorkerOptions,
  createWorkerHost: (registration: ServiceWorkerRegistration) => EngineHost,
): Promise<EngineHost> {
  await new Promise((resolve) => (self.requestIdleCallback ?? setTimeout)(resolve, IDLE));
  if (worker)
    try {
      return createWorkerHost(await register(worker));
    } catch {
      // Refused: the page does it.
    }
  return (await import('./in-page-host.js')).openInPageHost();
}

/**
 * Registers the worker, or takes the registration of the site's own, and resolves with it once its worker is active.
 * Rejects when the browser refuses (content security policy, not found, wrong type), or the worker fails to install.
 */
async function register({ url, scope, registration: own }: ServiceWorkerOptions): Promise<ServiceWorkerRegistration> {
  const registration = own ?? (await new Workbox(trusted(url!) as string, { scope }).register({ immediate: true }));
  if (!registration) throw new Error('not registered');
  await activation(registration);
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

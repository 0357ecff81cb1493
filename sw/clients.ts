/**
 * Whether the sender of a message may be answered: only a page that is visible now. A message to a page in Firefox's
 * back/forward cache throws it out of there, and a hidden page that is never answered hands its events over again when it is back.
 *
 * @param says whether the page saw itself as visible when it posted the message
 */
export async function isVisible(
  scope: ServiceWorkerGlobalScope,
  source: ExtendableMessageEvent['source'],
  says: boolean,
): Promise<boolean> {
  if (!source || !('id' in source)) return false;
  // WebKit never learns that a page is back from its back/forward cache: client and page contradict each other from then on
  // (WebKitGTK 2.50.6). Elsewhere what comes with a message is how the page was when it posted it (Chromium 156, Firefox 153).
  if (says && 'visibilityState' in source && source.visibilityState === 'hidden') return true;
  // Asked anew for each answer: what came with the message is how the page was when it was posted.
  const client = await scope.clients.get(source.id);
  return client !== undefined && 'visibilityState' in client && client.visibilityState === 'visible';
}

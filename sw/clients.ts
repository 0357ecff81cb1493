/**
 * Whether the sender of a message may be answered: only a page that is visible now. A message to a page in Firefox's
 * back/forward cache throws it out of there, and a hidden page that is never answered hands its events over again when it is back.
 */
export async function isVisible(
  scope: ServiceWorkerGlobalScope,
  source: ExtendableMessageEvent['source'],
): Promise<boolean> {
  if (!source || !('id' in source)) return false;
  // Asked anew for each answer: what came with the message is how the page was when it was posted.
  const client = await scope.clients.get(source.id);
  return client !== undefined && 'visibilityState' in client && client.visibilityState === 'visible';
}

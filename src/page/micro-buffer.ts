/**
 * Longest an event waits for company before it is posted, in ms. One message of ten events costs the main thread about as much
 * as one message of one event, so a stream of events is posted ten times a second at most.
 */
const WINDOW_MS = 100;

/**
 * Decides when what was tracked is posted: the calls of one task, and of 100 ms when they keep coming, become one message.
 *
 * The first event after a quiet time does not wait for the window: it is posted at the end of its task (a microtask), before the
 * browser can commit a navigation that the same task began. So a page that tracks now and then never has a timer.
 *
 * @param post posts all that waits, if anything does
 */
export function createMicroBuffer(post: () => void) {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let postedAt = 0;

  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    postedAt = Date.now();
    post();
  };

  /** There is something to post. */
  const due = (urgent?: boolean) => {
    if (urgent || Date.now() - postedAt > WINDOW_MS) queueMicrotask(flush);
    else timer ??= setTimeout(flush, WINDOW_MS);
  };

  /** Posts now, and lets what is tracked next go at once: the visitor clicked, and may be leaving. */
  const open = () => {
    flush();
    postedAt = 0;
  };

  return [due, open] as const;
}

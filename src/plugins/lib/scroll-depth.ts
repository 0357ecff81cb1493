/** Rows of pixels, where zoom leaves fractions of one. */
const TOLERANCE_PX = 1;

/**
 * How much of a page has been on the screen, in percent, 0 to 100: of the page as high as it is now, because lists grow while they are
 * read, and a page that has not loaded its content yet is short. A page that fits the screen is seen at once.
 *
 * @param lowest the lowest row of pixels that has been on the screen
 */
export function scrollPercent(lowest: number, pageHeight: number): number {
  if (!(pageHeight > 0)) return 100;
  return Math.max(0, Math.min(100, Math.floor((100 * (lowest + TOLERANCE_PX)) / pageHeight)));
}

/** The lowest row that is on the screen now. An overscrolled page says more than it has. */
export const lowestRow = () => Math.max(0, scrollY) + innerHeight;

export const pageHeight = () => Math.max(document.documentElement.scrollHeight, document.body?.scrollHeight ?? 0);

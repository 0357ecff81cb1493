import type { Plugin } from '../page/api.js';
import { checkOptions, flag, type Rule, texts } from './lib/check-options.js';
import { attribute, elementsOf, isIgnored } from './lib/elements.js';
import { pagePlugin } from './lib/page-plugin.js';

/** Options of {@link links}. */
export interface LinksOptions {
  /**
   * Whether links to other hosts are tracked.
   * @defaultValue true
   */
  outbound?: boolean;
  /**
   * Whether links to files are tracked: with a `download` attribute, or an extension from the list. A file of another host is
   * a download, not an outbound link.
   * @defaultValue true
   */
  downloads?: boolean;
  /**
   * File name extensions of downloads, without the dot, in any case. Replaces the list.
   * @defaultValue documents, archives, programs, audio and video: {@link DOWNLOAD_EXTENSIONS}
   */
  extensions?: readonly string[];
  /**
   * Hosts that are the site's own besides the page's, with all their subdomains: `['example.org']`.
   * @defaultValue []
   */
  ownHosts?: readonly string[];
  /**
   * Whether query and fragment of the address are kept. They may carry what is nobody's business: tokens, names, searches.
   * @defaultValue false
   */
  query?: boolean;
}

/** Properties of `Outbound Link Clicked` and `File Downloaded`. */
export interface LinkProperties {
  /** Address without query and fragment, unless {@link LinksOptions.query}. Of a `blob:` or `data:` link only the scheme. */
  url: string;
  host: string;
  /** The link's `id` attribute. */
  linkId?: string;
  /** Opens beside the page: `target="_blank"`, the middle button, or a key held down. */
  newTab: boolean;
  /** Of a download. */
  fileName?: string;
  /** Of a download: in small letters, without the dot. */
  extension?: string;
}

/** What {@link LinksOptions.extensions} is without being given. */
export const DOWNLOAD_EXTENSIONS: readonly string[] =
  '7z apk avi csv deb dmg doc docx epub exe gz ics iso jar key midi mov mp3 mp4 mpg msi numbers odp ods odt ogg pages pdf pkg pps ppt pptx rar rpm rtf tar tgz txt wav webm wma wmv xls xlsx xml zip'.split(
    ' ',
  );

const rules: { [option: string]: Rule } = {
  outbound: flag,
  downloads: flag,
  extensions: texts,
  ownHosts: texts,
  query: flag,
};

/**
 * Tracks `Outbound Link Clicked` and `File Downloaded`, of category `interaction`, before the browser follows the link: with any
 * button that opens it, the keyboard, in SVG, image maps and open shadow trees. What the link says is not recorded.
 *
 * A click counts whether or not the page keeps the browser from following it. Links inside `data-petrel-ignore` do not.
 *
 * @throws TypeError for an option that is none, or has a wrong value.
 */
export function links(options: LinksOptions = {}): Plugin {
  checkOptions('links', options, rules);
  const { outbound = true, downloads = true, extensions = DOWNLOAD_EXTENSIONS, ownHosts = [], query = false } = options;
  const files = new Set(extensions.map((extension) => extension.toLowerCase().replace(/^\./, '')));
  const own = ownHosts.map((host) => host.toLowerCase());

  return pagePlugin(({ tracker, listen }) => {
    const isOwn = (host: string) =>
      host === location.hostname || own.some((name) => host === name || host.endsWith(`.${name}`));

    const clicked = (event: MouseEvent) => {
      const elements = elementsOf(event);
      const link = elements.find(({ localName }) => localName === 'a' || localName === 'area');
      const url = link && addressOf(link);
      if (!link || !url || isIgnored(elements)) return;
      const isWeb = /^https?:$/.test(url.protocol);
      const fileName = attribute(link, 'download') ?? (isWeb ? lastOf(url.pathname) : '');
      const extension = /\.(\w+)$/.exec(fileName)?.[1]?.toLowerCase();
      const isFile = downloads && (link.hasAttribute('download') || (isWeb && files.has(extension!)));
      if (!isFile && !(outbound && isWeb && !isOwn(url.hostname))) return;
      const properties: LinkProperties = {
        url: isWeb ? url.origin + url.pathname + (query ? url.search + url.hash : '') : url.protocol,
        host: url.host,
        linkId: attribute(link, 'id'),
        newTab: event.button === 1 || event.ctrlKey || event.metaKey || event.shiftKey || opensTab(link),
        ...(isFile && { fileName, extension }),
      };
      tracker.track(isFile ? 'File Downloaded' : 'Outbound Link Clicked', properties, { category: 'interaction' });
    };

    listen(window, 'click', clicked);
    listen(window, 'auxclick', (event: MouseEvent) => {
      // The third button opens a menu, from which nobody knows what is chosen.
      if (event.button === 1) clicked(event);
    });
  });
}

const XLINK = 'http://www.w3.org/1999/xlink';

/** Where a link leads; in SVG its `href` is no text. */
function addressOf(link: Element): URL | undefined {
  const href = link.getAttribute('href') ?? link.getAttributeNS(XLINK, 'href');
  return href !== null && URL.canParse(href, link.baseURI) ? new URL(href, link.baseURI) : undefined;
}

function opensTab(link: Element): boolean {
  const target = attribute(link, 'target')?.toLowerCase();
  return !!target && !/^_(self|top|parent)$/.test(target);
}

/** The last part of a path. */
function lastOf(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1);
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

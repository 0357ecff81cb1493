/** What each attribute of the script tag must be, and what happens otherwise. Without `data-`, as `dataset` names them. */
const RULES: { [attribute: string]: [isRight: (value: string) => boolean, wanted: string, otherwise: string] } = {
  endpoint: [
    (value) => /^(https?:|\W)/.test(value) && URL.canParse(value, location.href),
    'an address with http or https, or one that begins with /, . or ?',
    'events go nowhere',
  ],
  key: [(value) => value !== '', 'a text that is not empty', 'none is sent'],
  sw: [
    (value) => value === 'off' || (value !== '' && isOwn(value)),
    'off, or an address of this page’s own origin',
    'the queue is in the page',
  ],
  scope: [(value) => value !== '' && isOwn(value), 'a path of this page’s own origin', 'the queue is in the page'],
  consent: [
    (value) => ['granted', 'pending', 'denied'].includes(value),
    'granted, pending or denied',
    'it counts as pending',
  ],
  auto: [(value) => value === 'off', 'off, or not there', 'page views are recorded'],
  debug: [() => true, '', ''],
};

/**
 * What is wrong with the attributes of the script tag, a sentence each.
 *
 * @param dataset of the tag
 */
export function problemsOfTag(dataset: { readonly [attribute: string]: string | undefined }): string[] {
  const problems = Object.entries(dataset).flatMap(([name, value = '']) => {
    const attribute = `\`data-${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}\``;
    const rule = Object.hasOwn(RULES, name) ? RULES[name] : undefined;
    // Other scripts put theirs on tags too, but a slip in a name is worth a line.
    if (!rule)
      return [
        `${attribute} is none of its attributes: ${Object.keys(RULES)
          .map((known) => `data-${known}`)
          .join(', ')}`,
      ];
    const [isRight, wanted, otherwise] = rule;
    return isRight(value) ? [] : [`${attribute} must be ${wanted}, not ${JSON.stringify(value)}: ${otherwise}`];
  });
  if (dataset.endpoint === undefined) problems.unshift('`data-endpoint` is missing: there is no tracker');
  if (dataset.sw === 'off' && dataset.scope !== undefined) problems.push('`data-scope` is not used: `data-sw` is off');
  return problems;
}

function isOwn(address: string): boolean {
  return URL.canParse(address, location.href) && new URL(address, location.href).origin === location.origin;
}

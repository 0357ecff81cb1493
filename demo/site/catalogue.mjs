/**
 * What the demo shop pretends to sell.
 *
 * @typedef {object} Product
 * @property {string} sku
 * @property {string} slug
 * @property {string} name
 * @property {'read' | 'light' | 'measure'} kind
 * @property {number} price In whole euros.
 * @property {string} line One line for the list.
 * @property {string} story
 * @property {[string, string][]} facts
 */

export const KINDS = { read: 'Read the sky', measure: 'Keep a record', light: 'Wait it out' };

/** @type {Product[]} */
export const CATALOGUE = [
  {
    sku: 'SW-01',
    slug: 'falling-glass-barometer',
    name: 'Falling Glass barometer',
    kind: 'read',
    price: 148,
    line: 'An aneroid dial that says what it thinks.',
    story:
      'Three words on the dial, because that is all a barometer knows: fair, change, rain. Tap it once in the morning and once before you cast off. If the needle dropped between the two, put the kettle on instead.',
    facts: [
      ['Range', '960 to 1060 hPa'],
      ['Case', 'Spun brass, 148 mm'],
      ['Agrees with the forecast', 'Four days in five'],
    ],
  },
  {
    sku: 'SW-02',
    slug: 'slack-water-tide-clock',
    name: 'Slack Water tide clock',
    kind: 'read',
    price: 96,
    line: 'One hand, two tides, no alarm.',
    story:
      'A tide clock goes round once in twelve hours and twenty-five minutes, so it is right all day and useless for trains. Set it at high water on a full moon and leave it alone.',
    facts: [
      ['Period', '12 h 25 min'],
      ['Face', 'Enamel on steel, 180 mm'],
      ['Not for', 'Seas without tides'],
    ],
  },
  {
    sku: 'SW-03',
    slug: 'petrel-weathervane',
    name: 'Petrel weathervane',
    kind: 'read',
    price: 210,
    line: 'Flies into the wind, as the bird does.',
    story:
      'Storm petrels ride out weather that sends everything else home, walking on the water as they go. This one is cut from copper and turns on a glass bearing. It has no other moving parts and no opinions.',
    facts: [
      ['Span', '640 mm'],
      ['Bearing', 'Glass ball in brass cup'],
      ['Starts turning at', '1 m/s'],
    ],
  },
  {
    sku: 'SW-04',
    slug: 'lee-storm-lantern',
    name: 'Lee storm lantern',
    kind: 'light',
    price: 74,
    line: 'Stays lit when the power does not.',
    story:
      'When the line goes down at the far end of the village, the shop stays open by the light of four of these. A cupful of oil lasts nineteen hours: longer than any outage we have had so far.',
    facts: [
      ['Burns', '19 hours per filling'],
      ['Glass', 'Borosilicate, replaceable'],
      ['Height', '310 mm'],
    ],
  },
  {
    sku: 'SW-05',
    slug: 'quiet-storm-bottle',
    name: 'Quiet storm bottle',
    kind: 'light',
    price: 38,
    line: 'Crystals come and go with the cold.',
    story:
      'A sealed bottle of camphor and spirit that grows feathers before a cold front. Nobody has ever proved that it foretells anything. It is very good company while you wait.',
    facts: [
      ['Height', '220 mm'],
      ['Stand', 'Oiled ash'],
      ['Forecast', 'Open to interpretation'],
    ],
  },
  {
    sku: 'SW-06',
    slug: 'drizzle-rain-gauge',
    name: 'Drizzle rain gauge',
    kind: 'measure',
    price: 29,
    line: 'Counts every drop, once.',
    story:
      'A rain gauge has one job: what fell must be in the glass, none of it twice. Empty it at nine each morning, write the number down, and in a year you will know something nobody else does.',
    facts: [
      ['Reads to', '0.1 mm'],
      ['Holds', '70 mm'],
      ['Stake', 'Galvanised, 900 mm'],
    ],
  },
];

/** @param {string} slug */
export function productBySlug(slug) {
  return CATALOGUE.find((product) => product.slug === slug);
}

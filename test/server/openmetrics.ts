// A reader of the text format of OpenMetrics, as strict as its specification where a collector could get it wrong:
// https://prometheus.io/docs/specs/om/open_metrics_spec/

export interface Family {
  type: string;
  help: string;
  samples: { name: string; labels: Record<string, string>; value: number }[];
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"(,(?=.)|$)/gy;
const SUFFIXES: Record<string, string[]> = {
  counter: ['_total', '_created'],
  gauge: [''],
  histogram: ['_bucket', '_count', '_sum', '_created'],
};

/** @throws Error naming the line that is wrong */
export function readOpenMetrics(text: string): Map<string, Family> {
  const families = new Map<string, Family>();
  const lines = text.split('\n');
  if (lines.pop() !== '' || lines.pop() !== '# EOF') throw new Error('it does not end with "# EOF" and a line feed');
  let current: [name: string, family: Family] | undefined;
  for (const line of lines) {
    const fail = (why: string) => new Error(`${why}: ${line}`);
    const comment = /^# (TYPE|HELP|UNIT) (\S+) (.*)$/.exec(line);
    if (comment) {
      const [, word, name = '', rest = ''] = comment;
      if (!NAME.test(name)) throw fail('no name');
      if (word === 'TYPE') {
        if (families.has(name)) throw fail('a family twice');
        if (!SUFFIXES[rest]) throw fail('no type');
        current = [name, { type: rest, help: '', samples: [] }];
        families.set(...current);
      } else if (name !== current?.[0] || current[1].samples.length > 0) throw fail('out of place');
      else if (word === 'HELP') current[1].help = rest;
      continue;
    }
    const sample = SAMPLE.exec(line);
    if (!sample || !current) throw fail('no sample');
    const [, name = '', inside, number = ''] = sample;
    const [familyName, family] = current;
    const suffix = name.slice(familyName.length);
    if (!name.startsWith(familyName) || !SUFFIXES[family.type]!.includes(suffix)) throw fail('a sample of no family');
    const value = number === '+Inf' ? Number.POSITIVE_INFINITY : Number(number);
    if (Number.isNaN(value)) throw fail('no number');
    if (family.type !== 'gauge' && value < 0) throw fail('a count below 0');
    const labels = labelsOf(inside, fail);
    const isSame = (other: Family['samples'][number]) =>
      other.name === name && JSON.stringify(other.labels) === JSON.stringify(labels);
    if (family.samples.some(isSame)) throw fail('a sample twice');
    family.samples.push({ name, labels, value });
  }
  for (const [name, family] of families) if (family.type === 'histogram') checkHistogram(name, family);
  return families;
}

function labelsOf(inside: string | undefined, fail: (why: string) => Error): Record<string, string> {
  const labels: Record<string, string> = {};
  if (inside === undefined) return labels;
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < inside.length) {
    const found = LABEL.exec(inside);
    if (!found) throw fail('no labels');
    const [, name = '', value = ''] = found;
    if (Object.hasOwn(labels, name)) throw fail('a label twice');
    labels[name] = value;
  }
  return labels;
}

function checkHistogram(name: string, { samples }: Family): void {
  const buckets = samples.filter((sample) => sample.name === `${name}_bucket`);
  const ends = buckets.map(({ labels }) => (labels.le === '+Inf' ? Number.POSITIVE_INFINITY : Number(labels.le)));
  if (ends.at(-1) !== Number.POSITIVE_INFINITY) throw new Error(`${name} has no bucket for all`);
  for (let i = 1; i < buckets.length; i++) {
    if (!(ends[i]! > ends[i - 1]!)) throw new Error(`${name} has buckets out of order`);
    if (buckets[i]!.value < buckets[i - 1]!.value) throw new Error(`${name} has buckets that do not add up`);
  }
  const count = samples.find((sample) => sample.name === `${name}_count`);
  if (count?.value !== buckets.at(-1)!.value) throw new Error(`${name} counts something else than its buckets`);
}

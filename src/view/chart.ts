import { escapeHtml } from './html.js';

/** One set of points, or one line. */
export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  /** `steps`: a line that keeps its height until the next point. */
  readonly as: 'dots' | 'steps' | 'line';
  /** What a dot is, shown when it is pointed at. */
  readonly labels?: readonly string[] | undefined;
}

export interface Axis {
  readonly label: string;
  readonly log?: boolean | undefined;
  /** The ends; those of the data if absent. */
  readonly range?: readonly [number, number] | undefined;
}

export interface Chart {
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly Series[];
}

const SIZE = { width: 560, plot: 280, left: 62, right: 16, top: 10, bottom: 46 } as const;
/** The legend stands above the plot, so many names a row. */
const LEGEND = { columns: 4, width: 120, height: 18 } as const;
/** Colours are the page's variables, so that they follow light and dark. */
const COLOURS = 7;

/** A chart as SVG text. Names and labels are only ever text. */
export function svgChart(chart: Chart): string {
  const points = chart.series.flatMap((s) => s.points);
  const x = scale(
    chart.x,
    points.map((p) => p[0]),
    SIZE.left,
    SIZE.width - SIZE.right,
  );
  const { width, left, right, bottom } = SIZE;
  const named = chart.series.length > 1;
  const top = SIZE.top + (named ? LEGEND.height * Math.ceil(chart.series.length / LEGEND.columns) : 0);
  const height = top + SIZE.plot + bottom;
  const y = scale(
    chart.y,
    points.map((p) => p[1]),
    height - bottom,
    top,
  );
  const grid = [
    ...x.ticks.map(
      (t) =>
        `<line class="grid" x1="${px(x.at(t))}" x2="${px(x.at(t))}" y1="${top}" y2="${height - bottom}"/>` +
        `<text x="${px(x.at(t))}" y="${height - bottom + 16}" text-anchor="middle">${short(t)}</text>`,
    ),
    ...y.ticks.map(
      (t) =>
        `<line class="grid" x1="${left}" x2="${width - right}" y1="${px(y.at(t))}" y2="${px(y.at(t))}"/>` +
        `<text x="${left - 6}" y="${px(y.at(t) + 4)}" text-anchor="end">${short(t)}</text>`,
    ),
  ];
  const drawn = chart.series.map((s, i) => seriesSvg(s, `var(--s${i % COLOURS})`, x.at, y.at));
  const legend = chart.series.map((s, i) => {
    const [column, row] = [i % LEGEND.columns, Math.floor(i / LEGEND.columns)];
    const [lx, ly] = [left + column * LEGEND.width, SIZE.top + 4 + row * LEGEND.height];
    return (
      `<circle cx="${lx}" cy="${ly}" r="4" fill="var(--s${i % COLOURS})"/>` +
      `<text x="${lx + 9}" y="${ly + 4}">${escapeHtml(s.name)}</text>`
    );
  });
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(chart.title)}">
${grid.join('')}
<line class="axis" x1="${left}" x2="${width - right}" y1="${height - bottom}" y2="${height - bottom}"/>
<line class="axis" x1="${left}" x2="${left}" y1="${top}" y2="${height - bottom}"/>
<text x="${(left + width - right) / 2}" y="${height - 8}" text-anchor="middle">${escapeHtml(chart.x.label)}</text>
<text transform="translate(14 ${(top + height - bottom) / 2}) rotate(-90)" text-anchor="middle">${escapeHtml(chart.y.label)}</text>
${drawn.join('\n')}
${named ? legend.join('') : ''}
</svg>`;
}

function seriesSvg(s: Series, colour: string, x: (v: number) => number, y: (v: number) => number): string {
  if (s.as === 'dots')
    return s.points
      .map(
        ([a, b], i) =>
          `<circle cx="${px(x(a))}" cy="${px(y(b))}" r="3" fill="${colour}" fill-opacity="0.65"><title>${escapeHtml(s.labels?.[i] ?? `${short(a)}, ${short(b)}`)}</title></circle>`,
      )
      .join('');
  const path = s.points.map(([a, b], i) => {
    if (i > 0) return `${s.as === 'steps' ? `H${px(x(a))}` : ''}L${px(x(a))} ${px(y(b))}`;
    // Steps begin on the axis: nothing is below the first value.
    return s.as === 'steps' ? `M${px(x(a))} ${px(y(0))}L${px(x(a))} ${px(y(b))}` : `M${px(x(a))} ${px(y(b))}`;
  });
  return `<path d="${path.join('')}" fill="none" stroke="${colour}" stroke-width="2"/>`;
}

interface Scale {
  readonly at: (value: number) => number;
  readonly ticks: readonly number[];
}

function scale({ log = false, range }: Axis, values: readonly number[], from: number, to: number): Scale {
  const finite = values.filter((v) => Number.isFinite(v) && (!log || v > 0));
  let [low, high] = range ?? [Math.min(...finite), Math.max(...finite)];
  if (!Number.isFinite(low) || !Number.isFinite(high)) [low, high] = [log ? 1 : 0, log ? 10 : 1];
  if (low === high) [low, high] = log ? [low / 2, high * 2] : [low - 1, high + 1];
  const f = log ? Math.log : (v: number): number => v;
  const margin = range ? 0 : 0.04 * (f(high) - f(low));
  const [a, b] = [f(low) - margin, f(high) + margin];
  const inside = (v: number): boolean => f(v) >= a && f(v) <= b;
  return {
    at: (v) => from + ((f(v) - a) / (b - a)) * (to - from),
    ticks: (log ? logTicks(low, high) : linearTicks(low, high)).filter(inside),
  };
}

/** Some five round numbers: 1, 2 or 5 times a power of ten apart. */
function linearTicks(low: number, high: number): readonly number[] {
  const rough = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough) ?? rough;
  const first = Math.ceil(low / step) * step;
  return Array.from({ length: Math.floor((high - first) / step + 1e-9) + 1 }, (_, i) =>
    Number((first + i * step).toPrecision(12)),
  );
}

/** 1, 2 and 5 of every decade; linear ones where that leaves too few. */
function logTicks(low: number, high: number): readonly number[] {
  const decades = Array.from(
    { length: Math.ceil(Math.log10(high)) - Math.floor(Math.log10(low)) + 1 },
    (_, i) => 10 ** (Math.floor(Math.log10(low)) + i),
  );
  const ticks = decades.flatMap((d) => [d, 2 * d, 5 * d]).filter((t) => t >= low && t <= high);
  return ticks.length >= 3 ? ticks : linearTicks(low, high);
}

const px = (x: number): string => String(Math.round(x * 10) / 10);

/** 1200000 as 1.2M. */
export function short(x: number): string {
  const size = Math.abs(x);
  const [unit, name] = size >= 1e9 ? [1e9, 'G'] : size >= 1e6 ? [1e6, 'M'] : size >= 1e4 ? [1e3, 'k'] : [1, ''];
  return `${Number((x / unit).toPrecision(3))}${name}`;
}

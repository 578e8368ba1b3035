/** Text from files, names and numbers as HTML shows them: nothing in it is ever taken for markup. */
export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

/** JSON inside a script element: no sequence that would end it. */
export const jsonForScript = (value: unknown): string => JSON.stringify(value).replace(/</g, '\\u003c');

export interface Page {
  readonly title: string;
  /** HTML. */
  readonly body: string;
  readonly style?: string | undefined;
  readonly script?: string | undefined;
}

const STYLE = `
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #57606a; --line: #d0d7de; --paper: #ffffff; --panel: #f6f8fa; --accent: #0969da;
  --s0: #0969da; --s1: #bc4c00; --s2: #1a7f37; --s3: #8250df; --s4: #bf3989; --s5: #4d5156; --s6: #9a6700; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --soft: #9198a1; --line: #3d444d; --paper: #0d1117; --panel: #151b23; --accent: #4493f8;
  --s0: #4493f8; --s1: #f0883e; --s2: #3fb950; --s3: #ab7df8; --s4: #db61a2; --s5: #9198a1; --s6: #d29922; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1200px; padding: 1rem; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
p, li { max-width: 75ch; } .soft { color: var(--soft); }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .6rem; border-bottom: 1px solid var(--line); text-align: right; } th:first-child, td:first-child { text-align: left; }
.scroll { overflow-x: auto; } svg { max-width: 100%; height: auto; } svg text { fill: var(--ink); font: 12px system-ui, sans-serif; }
svg .axis { stroke: var(--line); } svg .grid { stroke: var(--line); stroke-opacity: .5; } .row { display: flex; flex-wrap: wrap; gap: 1rem; }
figure { max-width: 640px; margin: 0; } .row > figure { flex: 1 1 340px; } figcaption { color: var(--soft); }
a { color: var(--accent); } code { background: var(--panel); padding: 0 .25em; border-radius: 3px; }
`;

/**
 * One file that needs nothing else: no request is made when it is opened, and its own policy would refuse one. Inline style and script are all
 * it has.
 */
export function htmlPage({ title, body, style = '', script }: Page): string {
  const policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<title>${escapeHtml(title)}</title>
<style>${STYLE}${style}</style>
</head>
<body>
<main>
${body}
</main>
${script === undefined ? '' : `<script>${script}</script>`}
</body>
</html>
`;
}

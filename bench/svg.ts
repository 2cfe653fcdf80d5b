/** What the pictures of figures share. */

/** A picture to be. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly title: string;
  /** For who cannot see it. */
  readonly desc: string;
  /** Rules beside those that all have: of `page`, `text`, `soft`, `line` and `name`. */
  readonly style: string;
  readonly lines: readonly string[];
}

const LIGHT = `
    .page { fill: #ffffff; stroke: #d0d7de }
    text { fill: #1f2328 }
    .soft { fill: #59636e }
    .line { stroke: #d0d7de }
    .name { font-weight: 600 }`;
const DARK = `
    @media (prefers-color-scheme: dark) {
      .page { fill: #0d1117; stroke: #3d444d }
      text { fill: #f0f6fc }
      .soft { fill: #9198a1 }
      .line { stroke: #3d444d }
    }
  `;

/** The whole file: the title on top, and the lines below it. */
export function svg({ width, height, title, desc, style, lines }: Picture): string {
  const head = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title desc" font-family="system-ui, 'DejaVu Sans', sans-serif" font-size="12">`;
  const all = [
    `<title id="title">${escaped(title)}</title>`,
    `<desc id="desc">${escaped(desc)}</desc>`,
    `<style>${LIGHT}${style}${DARK}</style>`,
    `<rect class="page" x=".5" y=".5" width="${width - 1}" height="${height - 1}" rx="8"/>`,
    text(16, 26, title, 'class="name" font-size="14"'),
    ...lines,
  ];
  return `${head}\n${all.map((line) => `  ${line}\n`).join("")}</svg>\n`;
}

/** A line of text. */
export function text(x: number | string, y: number, content: string, attributes: string): string {
  return `<text x="${x}" y="${y}" ${attributes}>${escaped(content)}</text>`;
}

/** Text as it is written between tags. */
export function escaped(content: string): string {
  return content.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

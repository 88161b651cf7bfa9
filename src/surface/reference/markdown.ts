/** Pieces of Markdown of which the pages of the reference are made. */

export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  rows.length === 0 ? '' : [line(head), `|${' --- |'.repeat(head.length)}`, ...rows.map(line)].join('\n');

export const code = (text: string): string => `\`${text}\``;

export const fenced = (language: string, text: string): string => `\`\`\`${language}\n${text.trimEnd()}\n\`\`\``;

/** Parts with an empty line between them; empty ones are left out. */
export const page = (...parts: readonly string[]): string => `${parts.filter((part) => part !== '').join('\n\n')}\n`;

/** Text for a page: `<defect>` is not an HTML tag. */
export const prose = (text: string): string =>
  text
    .split(/(`[^`]*`)/)
    .map((part) => (part.startsWith('`') ? part : part.replaceAll('<', '&lt;')))
    .join('');

const line = (cells: readonly string[]): string =>
  `| ${cells
    .map((cell) =>
      prose(cell)
        .replaceAll('|', '\\|')
        .replaceAll(/\s*\n\s*/g, ' '),
    )
    .join(' | ')} |`;

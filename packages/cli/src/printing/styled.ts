import { styleText } from 'node:util'

/** Words at the beginning of a line that color distinguishes; only where the terminal shows it. */
const marks: readonly (readonly [pattern: RegExp, style: Parameters<typeof styleText>[0]])[] = [
  [/^yes:/, ['bold', 'green']],
  [/^no:/, ['bold', 'red']],
  [/^not shown:/, ['bold', 'yellow']],
  [/^\[[\w@/ -]+\]/, 'red'],
  [/^(?:note {2}|next {2}|then {2}|code:)/, 'dim'],
  [/^(?:usage|options|examples|commands|exit codes):?$/i, 'bold'],
]

/** Text as a terminal shows it best; unchanged where it shows no colors. */
export function styled(text: string, isStyled: boolean): string {
  if (!isStyled) return text
  // Whether to style at all is decided before.
  const show = (style: (typeof marks)[0][1]) => (found: string) => styleText(style, found, { validateStream: false })
  return text
    .split('\n')
    .map((line) => marks.reduce((shown, [pattern, style]) => shown.replace(pattern, show(style)), line))
    .join('\n')
}

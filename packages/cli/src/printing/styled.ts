import pc from 'picocolors'

/** Words at the beginning of a line that color distinguishes; only where the terminal shows it. */
const marks: readonly (readonly [pattern: RegExp, style: (colors: Colors) => (text: string) => string])[] = [
  [
    /^yes:/,
    ({ bold, green }) =>
      (text) =>
        bold(green(text)),
  ],
  [
    /^no:/,
    ({ bold, red }) =>
      (text) =>
        bold(red(text)),
  ],
  [
    /^not shown:/,
    ({ bold, yellow }) =>
      (text) =>
        bold(yellow(text)),
  ],
  [/^\[[\w@/ -]+\]/, ({ red }) => red],
  [/^(?:note {2}|next {2}|then {2}|code:)/, ({ dim }) => dim],
  [/^(?:usage|options|examples|commands|exit codes):?$/i, ({ bold }) => bold],
]

type Colors = ReturnType<typeof pc.createColors>

/** Text as a terminal shows it best; unchanged where it shows no colors. */
export function styled(text: string, isStyled: boolean): string {
  if (!isStyled) return text
  const colors = pc.createColors(true)
  return text
    .split('\n')
    .map((line) => marks.reduce((shown, [pattern, style]) => shown.replace(pattern, style(colors)), line))
    .join('\n')
}

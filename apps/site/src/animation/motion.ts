import type { Lane, MeasuredMail } from './measure.ts'

/** Of the whole animation, and the share of it that the dense run takes; then the result is shown. */
export const SECONDS = 11
export const RUNNING = 0.62
/** Steps of the clocks, in ms. */
const TICK = 0.1
/** Height of a reading in the strip of a clock. */
export const READING = 40

/** The texts of a clock, one after the other. */
export function readingsOf(ms: number): string[] {
  const steps = Math.floor(ms / TICK)
  return [...Array.from({ length: steps }, (_, i) => (i * TICK).toFixed(1)), ms.toFixed(1)]
}

/** Colors, and how everything moves: by CSS alone, so that it works in an image, too. Without motion the end is shown. */
export function styleOf({ dense, pruned }: MeasuredMail): string {
  const percent = (share: number): string => `${(100 * share).toFixed(2)}%`
  /** When a lane's layer ends, as a share of the animation. */
  const ends = (lane: Lane): number[] => {
    const all = lane.tokens.reduce((sum, tokens) => sum + tokens)
    let before = 0
    return lane.tokens.map((tokens) => {
      before += tokens
      return (RUNNING * (lane.ms / dense.ms) * before) / all
    })
  }
  const rules = (
    [
      ['dense', dense],
      ['pruned', pruned],
    ] as const
  ).flatMap(([name, lane]) => {
    const done = ends(lane)
    const end = done.at(-1) as number
    const rows = readingsOf(lane.ms).length - 1
    return [
      `.strip-${name}{transform:translateY(-${rows * READING}px);animation:strip-${name} ${SECONDS}s infinite}`,
      `@keyframes strip-${name}{0%{transform:none;animation-timing-function:steps(${rows})}${percent(end)},100%{transform:translateY(-${rows * READING}px)}}`,
      ...done.flatMap((share, layer) => [
        `.${name}-${layer}{animation:${name}-${layer} ${SECONDS}s infinite}`,
        `@keyframes ${name}-${layer}{0%,${percent(Math.max(share - 0.004, 0.001))}{fill:var(--idle)}${percent(share)},100%{fill:var(--${name})}}`,
        ...(name === 'pruned'
          ? [
              `.fade-${layer}{opacity:.17;animation:fade-${layer} ${SECONDS}s infinite}`,
              `@keyframes fade-${layer}{0%,${percent(Math.max(share - 0.012, 0.001))}{opacity:1}${percent(share)},100%{opacity:.17}}`,
            ]
          : []),
      ]),
    ]
  })
  return [
    'svg{--card:#fff;--line:#d5dbe3;--ink:#1c2430;--soft:#596579;--idle:#e9edf2;--dense:#c9d3e0;--pruned:#8fd3b6;--strong:#0b7a53}',
    '@media(prefers-color-scheme:dark){svg{--card:#161b22;--line:#343c48;--ink:#e6ebf2;--soft:#9aa7b8;--idle:#222933;--dense:#46536a;--pruned:#1f6b4e;--strong:#4fd1a1}}',
    'text{font-family:system-ui,-apple-system,"Segoe UI",sans-serif;fill:var(--ink)}',
    `.word{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}`,
    '.card{fill:var(--card);stroke:var(--line)}.box{fill:var(--idle)}',
    '.title{font-size:17px;font-weight:600}.clock{font-size:26px;font-weight:700;font-variant-numeric:tabular-nums}',
    '.count{font-size:14px;font-weight:600}.layer,.note{font-size:11px;fill:var(--soft)}.note{font-size:12px}',
    `.result{font-size:19px;font-weight:700;fill:var(--strong);animation:result ${SECONDS}s infinite}`,
    `@keyframes result{0%,${percent(RUNNING)}{opacity:0}${percent(RUNNING + 0.03)},100%{opacity:1}}`,
    ...rules,
    '@media(prefers-reduced-motion:reduce){*{animation:none!important}.box[class*=dense]{fill:var(--dense)}.box[class*=pruned]{fill:var(--pruned)}}',
  ].join('\n')
}

import { readText } from '../../repository.ts'

/** The fate of each token of an example. */
export interface ExampleFate {
  readonly kind: ExampleKind
  /** Keep ratio of every layer but the first. */
  readonly keep: number
  /** The tokens of a text. */
  readonly words?: readonly string[]
  /** The layer where each token, class token first, is pruned or merged; null if it is kept to the end. */
  readonly prunedAt: readonly (number | null)[]
}

export type ExampleKind = 'text' | 'image'

/** The outcome of `npm run kept`. */
export interface KeptFile {
  /** Brightness of the digit, 0 to 15, row by row. */
  readonly digit: string
  readonly words: readonly string[]
  readonly methods: Readonly<Record<string, Omit<ExampleFate, 'words'>>>
}

/** Where it is written. */
export const KEPT_FILE = 'apps/site/src/methods/kept/kept.json'

let file: KeptFile | undefined

/** The figure of a method's page, as HTML; nothing for a method that has to learn first, or that is about other inputs. */
export function keptFigure(method: string): string | undefined {
  file ??= JSON.parse(readText(KEPT_FILE)) as KeptFile
  const kept = file.methods[method]
  if (kept === undefined) return undefined
  const layers = [...new Set(kept.prunedAt)].filter((layer) => layer !== null).sort((a, b) => a - b)
  const step = (layer: number | null): number => (layer === null ? layers.length : layers.indexOf(layer))
  return kept.kind === 'text' ? wordsFigure(file.words, kept, step) : patchesFigure(file.digit, kept, step)
}

/** The mark of a piece that goes on with a word. */
const PIECE = /^##/

type Step = (layer: number | null) => number

function wordsFigure(words: readonly string[], { keep, prunedAt }: Omit<ExampleFate, 'words'>, step: Step): string {
  const last = step(null)
  const spans = words.map((word, i) => {
    const at = prunedAt[i] ?? null
    const title = at === null ? 'kept to the end' : `pruned at layer ${at}`
    const span = `<span class="kept-${at === null ? 'end' : Math.min(3, Math.floor((4 * step(at)) / last))}" title="${title}">${escapedHtml(word.replace(PIECE, ''))}</span>`
    // Pieces of a word stand together.
    return i > 0 && !PIECE.test(word) ? ` ${span}` : span
  })
  const caption = `A mail in the small classifier of this repository, ${keep} of its tokens kept at every layer but the first. Framed words are kept to the end. Struck ones are pruned first, and of the others the darker later.`
  return `<figure class="kept"><p>${spans.join('')}</p><figcaption>${caption}</figcaption></figure>`
}

function patchesFigure(digit: string, { keep, prunedAt }: Omit<ExampleFate, 'words'>, step: Step): string {
  const side = Math.sqrt(digit.length)
  // The class token comes first.
  const patches = prunedAt.slice(prunedAt.length - Math.floor(Math.sqrt(prunedAt.length)) ** 2)
  const count = Math.sqrt(patches.length)
  const size = side / count
  const shades = new Map<number, string>()
  for (const [i, level] of [...digit].entries()) {
    const shade = Math.round(Number.parseInt(level, 16) / 3)
    if (shade > 0) shades.set(shade, `${shades.get(shade) ?? ''}M${i % side} ${Math.floor(i / side)}h1v1h-1z`)
  }
  const covers = new Map<number, string>()
  for (const [i, at] of patches.entries()) {
    if (at === null) continue
    const [x, y] = [(i % count) * size, Math.floor(i / count) * size]
    covers.set(at, `${covers.get(at) ?? ''}M${x} ${y}h${size}v${size}h-${size}z`)
  }
  const drawn = [...shades].map(([shade, path]) => `<path d="${path}" fill="#fff" opacity="${shade / 5}"/>`).join('')
  const covered = [...covers]
    .map(([at, path]) => {
      const opacity = (0.95 - (0.45 * step(at)) / step(null)).toFixed(2)
      return `<path d="${path}" fill="#0d7d56" opacity="${opacity}"><title>pruned at layer ${at}</title></path>`
    })
    .join('')
  const drawing = (over: string, label: string): string =>
    `<svg viewBox="0 0 ${side} ${side}" role="img" aria-label="${label}"><path d="M0 0h${side}v${side}h-${side}z" fill="#111"/>${drawn}${over}</svg>`
  const kept = patches.filter((at) => at === null).length
  const label = `The same digit with ${kept} of ${patches.length} patches uncovered`
  const caption = `A digit of the small image model of this repository, ${keep} of its patches kept at every layer but the first: ${kept} of ${patches.length} are left at the end. Green patches are pruned or merged, the denser the earlier.`
  return `<figure class="kept"><div>${drawing('', 'A handwritten 5')}${drawing(covered, label)}</div><figcaption>${caption}</figcaption></figure>`
}

function escapedHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('{{', '&#123;&#123;')
}

import type { TokenTrace } from '../../engine/token-trace.ts'
import type { TextPiece } from '../../inputs/content.ts'

/** The words that one layer prunes, in the order of the text; `undefined`: the words kept to the end. */
export interface WordsOfLayer {
  readonly layer: number | undefined
  readonly words: readonly string[]
}

/** Pieces of one word that share its end are one word again. */
export function wordsByLayer(pieces: readonly TextPiece[], { prunedAt, steps }: TokenTrace): WordsOfLayer[] {
  const layers = [...steps.map(({ layer }) => layer), undefined]
  const words = new Map(layers.map((layer): [number | undefined, string[]] => [layer, []]))
  let previous: { readonly layer: number | undefined } | undefined
  for (const { text, token } of pieces) {
    if (token === undefined) {
      previous = undefined
      continue
    }
    const layer = prunedAt[token]
    const own = words.get(layer)
    if (previous?.layer === layer && previous !== undefined) own?.push(`${own.pop()}${text}`)
    else own?.push(text)
    previous = { layer }
  }
  return layers.map((layer) => ({ layer, words: words.get(layer) ?? [] })).filter(({ words }) => words.length > 0)
}

import type { JSX } from 'preact'
import type { TokenTrace } from '../../engine/token-trace.ts'
import type { TextPiece } from '../../inputs/content.ts'
import { wordsByLayer } from './words-by-layer.ts'

/** For ears: which words are pruned where. */
export function PrunedWords({
  pieces,
  trace,
}: {
  readonly pieces: readonly TextPiece[]
  readonly trace: TokenTrace
}): JSX.Element {
  return (
    <ul class="hidden" aria-label="Words by the layer that prunes them">
      {wordsByLayer(pieces, trace).map(({ layer, words }) => (
        <li key={layer}>
          {layer === undefined ? 'Kept to the end' : `Pruned in layer ${layer}`}: {words.join(', ')}
        </li>
      ))}
    </ul>
  )
}

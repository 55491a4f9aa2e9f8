import type { JSX } from 'preact'
import type { TokenTrace } from '../../engine/token-trace.ts'
import type { TextPiece } from '../../inputs/content.ts'
import { fadingOf, fadingText } from './fading.ts'

export interface WordsProps {
  readonly pieces: readonly TextPiece[]
  /** Whether the text goes on where the last piece begins that no token stands for. */
  readonly isCut: boolean
  readonly trace: TokenTrace
  readonly step: number
}

/** A text whose words fade by the layer that prunes them. */
export function Words({ pieces, isCut, trace, step }: WordsProps): JSX.Element {
  return (
    <section class="words" dir="auto" aria-label="Your text as the model reads it" data-testid="words">
      {pieces.map(({ text, token }, i) => {
        if (token === undefined) return isCut && i === pieces.length - 1 ? unread(text) : text
        const fading = fadingOf(trace, token, step)
        return (
          <span
            key={i}
            class={fading.gone ? 'word gone' : 'word'}
            data-pruned-at={fading.prunedAt}
            style={{ '--strength': fading.strength }}
            title={fadingText(fading)}
          >
            {text}
          </span>
        )
      })}
    </section>
  )
}

const SHOWN_UNREAD = 60

/** The rest after the last token: the end of a text that is too long. */
function unread(text: string): string {
  return text.length <= SHOWN_UNREAD ? text : `${text.slice(0, SHOWN_UNREAD)} … (the model does not read further)`
}

/** A text as far as a model reads it. */
export function readOf({ pieces, isCut }: Pick<WordsProps, 'pieces' | 'isCut'>): string {
  return pieces
    .map(({ text, token }, i) => (isCut && token === undefined && i === pieces.length - 1 ? unread(text) : text))
    .join('')
}

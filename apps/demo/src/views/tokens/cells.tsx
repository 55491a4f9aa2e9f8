import type { JSX } from 'preact'
import type { TokenTrace } from '../../engine/token-trace.ts'
import type { InputImage } from '../../inputs/content.ts'
import { ImageCanvas } from '../../inputs/image/image-canvas.tsx'
import { fadingOf, fadingText } from './fading.ts'

export interface CellsProps {
  /** `patches` of an image, or `columns` of a spectrogram. */
  readonly kind: 'patches' | 'columns'
  readonly image: InputImage
  readonly columns: number
  readonly rows: number
  /** Tokens before the first cell. */
  readonly before: number
  readonly trace: TokenTrace
  readonly step: number
}

/** An image under cells, one for each token, that go dark as their tokens are pruned. */
export function Cells({ kind, image, columns, rows, before, trace, step }: CellsProps): JSX.Element {
  const count = columns * rows
  const kept = trace.prunedAt.slice(before, before + count).filter((layer) => layer === undefined).length
  const what = kind === 'patches' ? 'Your image, in patches' : 'Your sound, in slices of time'
  return (
    <div class={kind} role="img" aria-label={`${what}: ${kept} of ${count} are kept to the end`} data-testid={kind}>
      <ImageCanvas image={image} />
      <div class="grid" style={{ '--columns': columns }}>
        {Array.from({ length: count }, (_, i) => {
          const fading = fadingOf(trace, i + before, step)
          return (
            <i
              key={i}
              class={fading.gone ? 'gone' : 'kept'}
              data-pruned-at={fading.prunedAt}
              style={{ '--strength': fading.strength }}
              title={fadingText(fading)}
            />
          )
        })}
      </div>
    </div>
  )
}

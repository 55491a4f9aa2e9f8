import type { JSX } from 'preact'
import type { Leaving } from '../../engine/leaving.ts'
import type { GivenImage } from '../../inputs/content.ts'
import { ImageCanvas } from '../../inputs/image/image-canvas.tsx'
import { fadingOf, fadingText } from './fading.ts'

export interface CellsProps {
  /** `patches` of an image, or `columns` of a spectrogram. */
  readonly kind: 'patches' | 'columns'
  readonly image: GivenImage
  readonly columns: number
  readonly rows: number
  /** Tokens in front of the first cell. */
  readonly before: number
  readonly leaving: Leaving
  readonly step: number | undefined
}

/** An image under cells, one for each token, that go dark as their tokens leave. */
export function Cells({ kind, image, columns, rows, before, leaving, step }: CellsProps): JSX.Element {
  const count = columns * rows
  const stay = leaving.leftAt.slice(before, before + count).filter((left) => left === undefined).length
  const what = kind === 'patches' ? 'Your image, in patches' : 'Your sound, in slices of time'
  return (
    <div class={kind} role="img" aria-label={`${what}: ${stay} of ${count} stay to the end`} data-testid={kind}>
      <ImageCanvas image={image} />
      <div class="grid" style={{ '--columns': columns }}>
        {Array.from({ length: count }, (_, i) => {
          const fading = fadingOf(leaving, i + before, step)
          return (
            <i
              key={i}
              class={fading.gone ? 'gone' : 'stays'}
              data-left={fading.left}
              style={{ '--strength': fading.strength }}
              title={fadingText(fading)}
            />
          )
        })}
      </div>
    </div>
  )
}

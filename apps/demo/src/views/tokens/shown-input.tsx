import type { JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import type { TokenTrace } from '../../engine/token-trace.ts'
import type { Sample, ShownInput } from '../../inputs/content.ts'
import { ImageCanvas } from '../../inputs/image/image-canvas.tsx'
import { Cells } from './cells.tsx'
import { spectrogram } from './spectrogram.ts'
import { readOf, Words } from './words.tsx'

export interface PrunedInputProps {
  readonly sample: Sample
  readonly trace: TokenTrace
  /** How many of the sites that prune are over, less one. */
  readonly step: number
  /** Whether the method merges tokens. */
  readonly merges: boolean
}

const LEGENDS: Readonly<Partial<Record<ShownInput['kind'], string>>> = {
  words: 'Marked words are kept to the end.',
  patches: 'Framed patches are kept to the end.',
  columns: 'Framed slices are kept to the end.',
}

/** An input whose tokens fade where they are pruned. */
export function PrunedInput({ sample: { shown }, trace, step, merges }: PrunedInputProps): JSX.Element {
  const heard = useHeard(shown)
  const common = { trace, step }
  return (
    <div class="shown">
      {shown.kind === 'words' && <Words pieces={shown.pieces} isCut={shown.isCut} {...common} />}
      {shown.kind === 'patches' && <Cells {...shown} rows={shown.columns} {...common} />}
      {shown.kind === 'columns' && heard && (
        <Cells kind="columns" image={heard} columns={shown.columns} rows={1} before={shown.before} {...common} />
      )}
      {LEGENDS[shown.kind] && (
        <p class="note">
          {LEGENDS[shown.kind]}
          {merges && ' This method merges: what fades is added to what it resembles.'}
        </p>
      )}
    </div>
  )
}

/** The same input as the dense model has it to the end. */
export function DenseInput({ sample: { shown } }: { readonly sample: Sample }): JSX.Element {
  const heard = useHeard(shown)
  return (
    <div class="whole" aria-hidden="true">
      {shown.kind === 'words' && (
        <div class="words" dir="auto">
          {readOf(shown)}
        </div>
      )}
      {shown.kind === 'patches' && (
        <div class="patches">
          <ImageCanvas image={shown.image} />
        </div>
      )}
      {heard && (
        <div class="columns">
          <ImageCanvas image={heard} />
        </div>
      )}
    </div>
  )
}

function useHeard(shown: ShownInput): ReturnType<typeof spectrogram> | undefined {
  const sound = shown.kind === 'columns' ? shown : undefined
  return useMemo(() => sound && spectrogram(sound.sound, sound.columns), [sound])
}

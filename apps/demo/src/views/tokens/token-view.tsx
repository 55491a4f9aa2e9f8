import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import type { ComparedAnswers } from '../../workbench/findings.ts'
import { Cells } from './cells.tsx'
import { countsOf } from './counts.ts'
import { Layers } from './layers.tsx'
import { spectrogram } from './spectrogram.ts'
import { Words } from './words.tsx'

export interface TokenViewProps {
  readonly result: ComparedAnswers
  /** Whether the method merges tokens. */
  readonly merges: boolean
}

const LEGENDS: Readonly<Partial<Record<ComparedAnswers['sample']['shown']['kind'], string>>> = {
  words: 'Marked words are kept to the end. The paler and smaller a word, the earlier it is pruned.',
  patches: 'Framed patches are kept to the end. The darker a patch, the earlier it is pruned.',
  columns: 'Framed slices are kept to the end. The darker a slice, the earlier it is pruned.',
}

/** Which tokens are pruned where: the input itself, and how many are kept after each layer. */
export function TokenView({ result: { trace, sample }, merges }: TokenViewProps): JSX.Element {
  const step = useSignal<number | undefined>(undefined)
  const { shown } = sample
  const sound = shown.kind === 'columns' ? shown : undefined
  const heard = useMemo(() => sound && spectrogram(sound.sound, sound.columns), [sound])
  const common = { trace, step: step.value }
  return (
    <div class="tokens">
      <div class="shown">
        {shown.kind === 'words' && <Words pieces={shown.pieces} {...common} />}
        {shown.kind === 'patches' && <Cells {...shown} rows={shown.columns} {...common} />}
        {sound && heard && (
          <Cells kind="columns" image={heard} columns={sound.columns} rows={1} before={sound.before} {...common} />
        )}
        {LEGENDS[shown.kind] && <p class="note">{LEGENDS[shown.kind]}</p>}
        {merges && (
          <p class="note">
            This method merges: what fades is not thrown away but added to what it resembles, so that one token speaks
            for several.
          </p>
        )}
      </div>
      <Layers trace={trace} counts={countsOf({ sample, trace })} step={step} />
    </div>
  )
}

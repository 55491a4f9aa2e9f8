import { signal } from '@preact/signals'
import type { JSX } from 'preact'
import type { Content } from '../inputs/content.ts'
import { DigitInput } from '../inputs/digit/digit-input.tsx'
import { writtenDigit } from '../inputs/digit/written-digit.ts'
import { useAddress } from '../page/settings-in-address.ts'
import { Bench } from '../views/bench.tsx'
import { embedded } from '../workbench/embedded.ts'
import type { ModelSource } from '../workbench/model-source.ts'
import { standardSettings } from '../workbench/preset.ts'
import { presets } from '../workbench/presets.ts'
import { useModel } from '../workbench/use-model.ts'
import { useWorkbench } from '../workbench/use-workbench.ts'

const standard = standardSettings(presets['digits-vit'])
const settings = signal(standard)
const content = signal<Content | undefined>(undefined)

/** The model together with a digit to begin with: a pad that is shown before would move, and what is drawn on it be replaced. */
async function load(): Promise<ModelSource> {
  content.value ??= await writtenDigit(5)
  return embedded.digits()
}

export function Digit(): JSX.Element {
  useAddress('digit', settings, standard)
  const { source, problem } = useModel(load)
  const bench = useWorkbench(source, settings, content)
  return (
    <>
      <p class="lead">
        Which digit is it? A small model (ViT, 6 layers) reads it in 196 overlapping patches, most of them empty.
      </p>
      {problem && <p role="alert">{problem}</p>}
      {bench && (
        <Bench bench={bench} what="patches">
          <DigitInput content={content} />
        </Bench>
      )}
    </>
  )
}

import { signal } from '@preact/signals'
import type { JSX } from 'preact'
import type { Content } from '../inputs/content.ts'
import { exampleClothes } from '../inputs/image/example-clothes.ts'
import { ImageInput } from '../inputs/image/image-input.tsx'
import { useAddress } from '../page/settings-in-address.ts'
import { Bench } from '../views/bench.tsx'
import { embedded } from '../workbench/embedded.ts'
import { standardSettings } from '../workbench/preset.ts'
import { presets } from '../workbench/presets.ts'
import { useModel } from '../workbench/use-model.ts'
import { useWorkbench } from '../workbench/use-workbench.ts'

const shape = { channels: 1, height: 28, width: 28 }
const standard = standardSettings(presets['fashion-vit'])
const settings = signal(standard)
const [first] = exampleClothes
const content = signal<Content | undefined>(first && { kind: 'image', image: first.image })

export function RawImage(): JSX.Element {
  useAddress('image', settings, standard)
  const { source, problem } = useModel(embedded.fashion)
  const bench = useWorkbench(source, settings, content)
  return (
    <>
      <p class="lead">
        What is there to wear? A small model (ViT, 6 layers) tells ten kinds of clothing apart, in 196 overlapping
        patches.
      </p>
      {problem && <p role="alert">{problem}</p>}
      {bench && (
        <Bench bench={bench} what="patches">
          <ImageInput content={content} shape={shape} onBlack={true} examples={exampleClothes} />
        </Bench>
      )}
    </>
  )
}

import { signal } from '@preact/signals'
import type { JSX } from 'preact'
import type { Content } from '../inputs/content.ts'
import { exampleClothes } from '../inputs/image/example-clothes.ts'
import { ImageInput } from '../inputs/image/image-input.tsx'
import { Bench } from '../views/bench.tsx'
import { embedded } from '../workbench/embedded.ts'
import type { WorkbenchSettings } from '../workbench/settings.ts'
import { useModel } from '../workbench/use-model.ts'
import { useWorkbench } from '../workbench/use-workbench.ts'

const shape = { channels: 1, height: 28, width: 28 }
const settings = signal<WorkbenchSettings>({ method: 'value-aware', keep: 0.7, layers: [1, 2] })
const [first] = exampleClothes
const content = signal<Content | undefined>(first && { kind: 'image', image: first.image })

export function RawImage(): JSX.Element {
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

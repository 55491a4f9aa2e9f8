import { signal } from '@preact/signals'
import type { JSX } from 'preact'
import type { Content } from '../inputs/content.ts'
import { DigitInput } from '../inputs/digit/digit-input.tsx'
import { Bench } from '../views/bench.tsx'
import { embedded } from '../workbench/embedded.ts'
import type { WorkbenchSettings } from '../workbench/settings.ts'
import { useModel } from '../workbench/use-model.ts'
import { useWorkbench } from '../workbench/use-workbench.ts'

const settings = signal<WorkbenchSettings>({ method: 'value-aware', keep: 0.7, layers: [1, 2] })
const content = signal<Content | undefined>(undefined)

export function Digit(): JSX.Element {
  const { source, problem } = useModel(embedded.digits)
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

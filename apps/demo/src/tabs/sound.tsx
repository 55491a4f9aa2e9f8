import { signal } from '@preact/signals'
import type { JSX } from 'preact'
import type { Content } from '../inputs/content.ts'
import type { ModelSource } from '../workbench/model-source.ts'
import type { WorkbenchSettings } from '../workbench/settings.ts'
import { OwnModel } from './own-model.tsx'

const source = signal<ModelSource | undefined>(undefined)
const settings = signal<WorkbenchSettings>({ method: 'received-attention', keep: 0.85, layers: undefined })
const content = signal<Content | undefined>(undefined)

export function Sound(): JSX.Element {
  return (
    <>
      <p class="lead">
        A model of speech hears slices of time, and silence is soon known to be silence. This page has no such model of
        its own: open one that takes a waveform, such as a keyword spotter (KWT) or wav2vec 2.0, then choose or record a
        sound.
      </p>
      <OwnModel
        source={source}
        settings={settings}
        content={content}
        label="Choose a model of speech (.onnx), or drop it here"
        what="slices"
      />
    </>
  )
}

import { signal } from '@preact/signals'
import type { JSX } from 'preact'
import type { Content } from '../inputs/content.ts'
import type { ModelSource } from '../workbench/model-source.ts'
import type { WorkbenchSettings } from '../workbench/settings.ts'
import { OwnModel } from './own-model.tsx'

const source = signal<ModelSource | undefined>(undefined)
const settings = signal<WorkbenchSettings>({ method: 'received-attention', keep: 0.7, layers: undefined })
const content = signal<Content | undefined>(undefined)

export function Own(): JSX.Element {
  return (
    <>
      <p class="lead">
        Open an encoder of your own as an .onnx file, with its tokenizer.json (and config.json,
        preprocessor_config.json) if it has them. It is pruned here, in your browser, and does not leave it.
      </p>
      <OwnModel
        source={source}
        settings={settings}
        content={content}
        label="Choose your .onnx file and what belongs to it, or drop them here"
        what="tokens"
      />
    </>
  )
}

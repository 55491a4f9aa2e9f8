import { signal } from '@preact/signals'
import type { JSX } from 'preact'
import type { Content } from '../inputs/content.ts'
import { useAddress } from '../page/settings-in-address.ts'
import type { ModelSource } from '../workbench/model-source.ts'
import { standardSettings } from '../workbench/preset.ts'
import { OwnModel } from './own-model.tsx'

const source = signal<ModelSource | undefined>(undefined)
const standard = standardSettings(undefined)
const settings = signal(standard)
const content = signal<Content | undefined>(undefined)

export function Own(): JSX.Element {
  useAddress('own', settings, standard)
  return (
    <>
      <p class="lead">
        Open an encoder of your own as an .onnx file, with its .onnx.data, tokenizer.json, config.json and
        preprocessor_config.json if it has them. It is pruned here, in your browser, and does not leave it.
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

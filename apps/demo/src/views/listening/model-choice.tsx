import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { modelFiles } from '../../listening/model-files.ts'
import type { ListenerSource } from '../../listening/protocol.ts'
import { problemText } from '../../page/problem-text.ts'

export interface ModelChoiceProps {
  readonly disabled: boolean
  readonly onSource: (source: ListenerSource) => void
}

/** A Whisper that a page can load in half a minute. */
const SMALL = 'onnx-community/whisper-base'

/** Preact's types do not know it. */
const wholeFolder = { webkitdirectory: true }

/** Where a person says which Whisper listens: a folder on this device, or where it can be downloaded. */
export function ModelChoice({ disabled, onSource }: ModelChoiceProps): JSX.Element {
  const problem = useSignal<string | undefined>(undefined)
  const address = useSignal(SMALL)

  function onFolder(files: readonly File[]): void {
    if (files.length === 0) return
    try {
      onSource({ kind: 'files', files: modelFiles(files) })
      problem.value = undefined
    } catch (error) {
      problem.value = problemText(error)
    }
  }

  return (
    <>
      <label class="drop">
        <span>Choose the folder of a Whisper model</span>
        <input
          type="file"
          {...wholeFolder}
          disabled={disabled}
          onChange={({ currentTarget }) => {
            onFolder([...(currentTarget.files ?? [])])
            currentTarget.value = ''
          }}
        />
      </label>
      <form
        class="source"
        onSubmit={(event) => {
          event.preventDefault()
          onSource({ kind: 'address', address: address.value.trim() })
        }}
      >
        <label class="address">
          <span>Or its name on the hub, or its address</span>
          <input
            type="text"
            required={true}
            spellcheck={false}
            value={address.value}
            onInput={({ currentTarget }) => {
              address.value = currentTarget.value
            }}
          />
        </label>
        <button type="submit" disabled={disabled}>
          Download
        </button>
      </form>
      {problem.value !== undefined && (
        <p class="problem" role="alert">
          {problem.value}
        </p>
      )}
    </>
  )
}

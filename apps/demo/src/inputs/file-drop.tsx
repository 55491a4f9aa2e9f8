import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'

export interface FileDropProps {
  readonly label: string
  /** As in the attribute of that name; undefined: everything. */
  readonly accept?: string
  readonly multiple: boolean
  readonly onFiles: (files: readonly File[]) => void
}

/** A field for files that can also be dropped on it. */
export function FileDrop({ label, accept, multiple, onFiles }: FileDropProps): JSX.Element {
  const over = useSignal(false)
  const names = useSignal('')

  function give(files: readonly File[]): void {
    if (files.length === 0) return
    names.value = files.map(({ name }) => name).join(', ')
    onFiles(files)
  }

  return (
    <div class="files">
      <label
        class={over.value ? 'drop over' : 'drop'}
        onDragOver={(event) => {
          event.preventDefault()
          over.value = true
        }}
        onDragLeave={() => {
          over.value = false
        }}
        onDrop={(event) => {
          event.preventDefault()
          over.value = false
          give([...(event.dataTransfer?.files ?? [])])
        }}
      >
        <span>{label}</span>
        <input
          type="file"
          accept={accept}
          multiple={multiple}
          onChange={({ currentTarget }) => {
            give([...(currentTarget.files ?? [])])
            // The same file can be chosen again, changed.
            currentTarget.value = ''
          }}
        />
      </label>
      <output class="note">{names.value}</output>
    </div>
  )
}

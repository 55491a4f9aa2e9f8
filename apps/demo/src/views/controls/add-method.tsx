import { useSignal } from '@preact/signals'
import { isTpError } from '@tp/core'
import type { JSX } from 'preact'
import { FileDrop } from '../../inputs/file-drop.tsx'
import { addAddress, addFile } from '../../workbench/added-methods.ts'

/** Where a person adds a method of their own: a module with a plugin, as a file or by its address. */
export function AddMethod({ onAdded }: { readonly onAdded: (name: string) => void }): JSX.Element {
  const problem = useSignal<string | undefined>(undefined)
  const address = useSignal('')

  async function add(step: Promise<string>): Promise<void> {
    try {
      onAdded(await step)
      problem.value = undefined
    } catch (error) {
      problem.value = isTpError(error) ? error.message : String(error)
    }
  }

  return (
    <details class="add-method">
      <summary>Add a method</summary>
      <p class="note">
        A plugin for @tp in one file, as <code>npm create tp-plugin</code> begins one and <code>npm run bundle</code>{' '}
        makes it. It is a program and runs in this page: add what you trust.
      </p>
      <FileDrop
        label="Choose its module, or drop it here"
        accept=".js,.mjs"
        multiple={false}
        onFiles={([file]) => file && void add(addFile(file))}
      />
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void add(addAddress(address.value))
        }}
      >
        <label class="address">
          <span>Or its address</span>
          <input
            type="url"
            required={true}
            placeholder="https://…"
            value={address.value}
            onInput={({ currentTarget }) => {
              address.value = currentTarget.value
            }}
          />
        </label>
        <button type="submit">Add</button>
      </form>
      {problem.value !== undefined && (
        <p class="problem" role="alert">
          {problem.value}
        </p>
      )}
    </details>
  )
}

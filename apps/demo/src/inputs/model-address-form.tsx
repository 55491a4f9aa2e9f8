import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'

/** Where a person says which model on the web is to be downloaded. */
export function ModelAddressForm({ onAddress }: { readonly onAddress: (address: string) => void }): JSX.Element {
  const address = useSignal('')
  return (
    <form
      class="source"
      onSubmit={(event) => {
        event.preventDefault()
        onAddress(address.value.trim())
      }}
    >
      <label class="address">
        <span>Or its name at Hugging Face, or the address of its .onnx file</span>
        <input
          type="text"
          required={true}
          spellcheck={false}
          placeholder="Xenova/distilbert-base-uncased-finetuned-sst-2-english"
          value={address.value}
          onInput={({ currentTarget }) => {
            address.value = currentTarget.value
          }}
        />
      </label>
      <button type="submit">Download</button>
    </form>
  )
}

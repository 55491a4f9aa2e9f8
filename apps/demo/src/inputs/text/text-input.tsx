import type { Signal } from '@preact/signals'
import type { JSX } from 'preact'
import type { Content } from '../content.ts'

export interface TextInputProps {
  readonly content: Signal<Content | undefined>
  readonly label: string
  readonly examples: readonly { readonly title: string; readonly text: string }[]
}

/** A text to type or paste. */
export function TextInput({ content, label, examples }: TextInputProps): JSX.Element {
  const text = content.value?.kind === 'text' ? content.value.text : ''
  const set = (text: string): void => {
    content.value = { kind: 'text', text }
  }
  return (
    <>
      <label class="text">
        <span>{label}</span>
        <textarea dir="auto" rows={4} value={text} onInput={({ currentTarget }) => set(currentTarget.value)} />
      </label>
      <div class="examples">
        <span class="note">Or try:</span>
        {examples.map(({ title, text }) => (
          <button key={title} type="button" onClick={() => set(text)}>
            {title}
          </button>
        ))}
      </div>
    </>
  )
}

import type { Signal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import type { Content } from './content.ts'

const STANDARD = 128
const MOST = 4096

export interface MadeUpInputProps {
  readonly content: Signal<Content | undefined>
  /** Most that the model takes. */
  readonly most?: number | undefined
  /** Why no real input can be given. */
  readonly why: string
}

/** For models whose inputs the page cannot make: how many tokens of made-up numbers. */
export function MadeUpInput({ content, why, most = STANDARD }: MadeUpInputProps): JSX.Element {
  const tokens = content.value?.kind === 'made-up' ? content.value.tokens : Math.min(STANDARD, most)
  const set = (tokens: number): void => {
    if (tokens >= 2) content.value = { kind: 'made-up', tokens: Math.min(MOST, Math.round(tokens)) }
  }
  useEffect(() => set(tokens), [])
  return (
    <>
      <p>{why} Until then it is timed on made-up numbers: times are real, answers mean nothing.</p>
      <label class="count">
        <span>Tokens, where the model leaves that free (fewer, if it fails) </span>
        <input
          type="number"
          min={2}
          max={MOST}
          value={tokens}
          onChange={({ currentTarget }) => set(currentTarget.valueAsNumber)}
        />
      </label>
    </>
  )
}

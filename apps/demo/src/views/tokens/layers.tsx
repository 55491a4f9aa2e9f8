import type { Signal } from '@preact/signals'
import type { JSX } from 'preact'
import type { TokenTrace } from '../../engine/token-trace.ts'

export interface LayersProps {
  readonly trace: TokenTrace
  /** Tokens at first and after each step. */
  readonly counts: readonly number[]
  /** How far one looks. */
  readonly step: Signal<number | undefined>
}

/** How many tokens are kept after each layer; choosing a layer shows the input as it is there. */
export function Layers({ trace: { steps }, counts, step }: LayersProps): JSX.Element {
  const last = steps.length - 1
  const chosen = Math.min(step.value ?? last, last)
  const [total = 0] = counts
  return (
    <fieldset class="layers">
      <legend>What is kept after each layer</legend>
      {counts.map((kept, i) => (
        <label key={i} class={i - 1 === chosen ? 'layer chosen' : 'layer'}>
          <input
            type="radio"
            name="layer"
            checked={i - 1 === chosen}
            onInput={() => {
              step.value = i - 1
            }}
          />
          <span class="name">{i === 0 ? 'At first' : `Layer ${(steps[i - 1]?.layer ?? 0) + 1}`}</span>
          <span class="bar" style={{ '--share': total === 0 ? 0 : kept / total }} />
          <span class="count">
            {kept}
            <span class="hidden"> tokens</span>
          </span>
        </label>
      ))}
    </fieldset>
  )
}

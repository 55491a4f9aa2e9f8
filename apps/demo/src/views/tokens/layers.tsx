import type { Signal } from '@preact/signals'
import type { JSX } from 'preact'
import type { Leaving } from '../../engine/leaving.ts'

export interface LayersProps {
  readonly leaving: Leaving
  /** Tokens of the input. */
  readonly total: number
  /** How far one looks. */
  readonly step: Signal<number | undefined>
}

/** How many tokens go on behind each layer; choosing a layer shows the input as it is there. */
export function Layers({ leaving: { steps }, total, step }: LayersProps): JSX.Element {
  const chosen = step.value ?? steps.length - 1
  const rows = [{ block: -1, kept: total }, ...steps]
  return (
    <fieldset class="layers">
      <legend>What is left behind each layer</legend>
      {rows.map(({ block, kept }, i) => (
        <label key={block} class={i - 1 === chosen ? 'layer chosen' : 'layer'}>
          <input
            type="radio"
            name="layer"
            checked={i - 1 === chosen}
            onInput={() => {
              step.value = i - 1
            }}
          />
          <span class="name">{block < 0 ? 'At first' : `Layer ${block + 1}`}</span>
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

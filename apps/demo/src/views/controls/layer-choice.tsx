import type { JSX } from 'preact'

export interface LayerChoiceProps {
  readonly layerCount: number
  /** Undefined: all but the first. */
  readonly layers: readonly number[] | undefined
  readonly onChange: (layers: readonly number[] | undefined) => void
}

/** The layers that prune; one at least. */
export function LayerChoice({ layerCount, layers, onChange }: LayerChoiceProps): JSX.Element {
  const standard = Array.from({ length: layerCount - 1 }, (_, i) => i + 1)
  // An address may name layers that this model does not have.
  const chosen = (layers ?? standard).filter((layer) => layer < layerCount)

  function toggle(layer: number, box: HTMLInputElement): void {
    const next = chosen.includes(layer)
      ? chosen.filter((other) => other !== layer)
      : [...chosen, layer].sort((a, b) => a - b)
    if (next.length === 0) {
      box.checked = true
      return
    }
    onChange(next.join() === standard.join() ? undefined : next)
  }

  return (
    <fieldset class="layer-choice">
      <legend>Layers that prune</legend>
      {Array.from({ length: layerCount }, (_, layer) => (
        <label key={layer}>
          <input
            type="checkbox"
            checked={chosen.includes(layer)}
            onChange={({ currentTarget }) => toggle(layer, currentTarget)}
          />
          <span>{layer}</span>
        </label>
      ))}
    </fieldset>
  )
}

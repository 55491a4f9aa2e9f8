import type { JSX } from 'preact'

export interface LayerBoxesProps {
  /** Tokens of each layer; undefined: not known before a run. */
  readonly tokens: readonly number[]
  /** How many layers have ended. */
  readonly done: number
  /** Called for a layer that is to be looked at; absent: there is nothing to see. */
  readonly onLook?: (layer: number) => void
}

/** The layers of a run, with the tokens that they work on; one can be chosen to see the input as it is there. */
export function LayerBoxes({ tokens, done, onLook }: LayerBoxesProps): JSX.Element {
  const boxOf = (count: number, layer: number): JSX.Element => (
    <span class={layer < done ? 'box done' : 'box'}>
      <b>{count}</b>
      <small>layer {layer}</small>
    </span>
  )
  if (onLook === undefined) {
    return (
      <ol class="boxes" aria-label="Tokens of each layer">
        {tokens.map((count, layer) => (
          <li key={layer}>{boxOf(count, layer)}</li>
        ))}
      </ol>
    )
  }
  return (
    <fieldset class="boxes">
      <legend class="hidden">Tokens kept after each layer. Choose one to see them.</legend>
      {tokens.map((count, layer) => (
        <label key={layer}>
          <input
            type="radio"
            name="layer"
            aria-label={`Layer ${layer}: ${count} tokens`}
            checked={layer === done - 1}
            onClick={() => onLook(layer)}
            onChange={() => onLook(layer)}
          />
          {boxOf(count, layer)}
        </label>
      ))}
    </fieldset>
  )
}

import type { JSX } from 'preact'

export interface LayerChoiceProps {
  readonly blocks: number
  /** Undefined: all but the first. */
  readonly layers: readonly number[] | undefined
  readonly onChange: (layers: readonly number[] | undefined) => void
}

/** At which layers tokens may leave; one at least. */
export function LayerChoice({ blocks, layers, onChange }: LayerChoiceProps): JSX.Element {
  const standard = Array.from({ length: blocks - 1 }, (_, i) => i + 1)
  const chosen = layers ?? standard

  function toggle(block: number): void {
    const next = chosen.includes(block)
      ? chosen.filter((other) => other !== block)
      : [...chosen, block].sort((a, b) => a - b)
    if (next.length === 0) return
    onChange(next.join() === standard.join() ? undefined : next)
  }

  return (
    <fieldset class="layer-choice">
      <legend>Layers where tokens may leave</legend>
      {Array.from({ length: blocks }, (_, block) => (
        <label key={block}>
          <input type="checkbox" checked={chosen.includes(block)} onChange={() => toggle(block)} />
          <span>{block + 1}</span>
        </label>
      ))}
    </fieldset>
  )
}

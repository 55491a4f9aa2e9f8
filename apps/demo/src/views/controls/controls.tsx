import type { Signal } from '@preact/signals'
import type { JSX } from 'preact'
import { allGroups, findMethod } from '../../workbench/added-methods.ts'
import type { WorkbenchSettings } from '../../workbench/settings.ts'
import { AddMethod } from './add-method.tsx'
import { LayerChoice } from './layer-choice.tsx'

export interface ControlsProps {
  readonly settings: Signal<WorkbenchSettings>
  /** Undefined until the model has been looked at. */
  readonly layerCount: number | undefined
}

/** By which method tokens are pruned, and at which layers. */
export function Controls({ settings, layerCount }: ControlsProps): JSX.Element {
  const { method, layers } = settings.value
  const set = (change: Partial<WorkbenchSettings>): void => {
    settings.value = { ...settings.value, ...change }
  }
  const about = findMethod(method)
  return (
    <section class="card controls" aria-labelledby="controls-title">
      <h2 id="controls-title">How tokens are chosen</h2>
      <label class="method">
        <span>Pruning method</span>
        <select value={method} onChange={({ currentTarget }) => set({ method: currentTarget.value })}>
          {allGroups.value.map(({ title, methods }) => (
            <optgroup key={title} label={title}>
              {methods.map(({ name }) => (
                <option key={name} value={name}>
                  {name}
                </option>
              ))}
            </optgroup>
          ))}
        </select>
        <span class="note">
          {about?.description}
          {about?.paper?.arxiv && <span> · arXiv:{about.paper.arxiv}</span>}
        </span>
      </label>
      <AddMethod onAdded={(method) => set({ method })} />
      {layerCount !== undefined && (
        <LayerChoice layerCount={layerCount} layers={layers} onChange={(layers) => set({ layers })} />
      )}
    </section>
  )
}

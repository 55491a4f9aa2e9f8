import type { Signal } from '@preact/signals'
import type { JSX } from 'preact'
import { isSameSetting, type Preset } from '../../workbench/preset.ts'
import type { WorkbenchSettings } from '../../workbench/settings.ts'
import { judgeLoss } from '../figures/judgment.ts'

export interface PresetsProps {
  readonly presets: readonly Preset[]
  readonly settings: Signal<WorkbenchSettings>
}

/** Settings of which the benchmark knows what they cost. */
export function Presets({ presets, settings }: PresetsProps): JSX.Element {
  const chosen = presets.find((preset) => isSameSetting(preset.settings, settings.value))
  return (
    <div class="presets">
      <fieldset class="segments">
        <legend>Measured settings</legend>
        {presets.map((preset) => (
          <label key={preset.name}>
            <input
              type="radio"
              name="preset"
              checked={preset === chosen}
              onChange={() => {
                settings.value = preset.settings
              }}
            />
            <span class="choice">{preset.name}</span>
          </label>
        ))}
      </fieldset>
      <p class="note">
        {chosen === undefined ? 'Your own setting: what it loses is measured below.' : measuredText(chosen)}
      </p>
    </div>
  )
}

function measuredText({ settings: { method, keep, layers = [] }, loss, examples }: Preset): string {
  const [first] = layers
  const where = layers.length === 1 ? `layer ${first}` : `layers ${first} to ${layers.at(-1)}`
  return `${method}, keep ${keep} in ${where}. On ${examples} test examples: ${judgeLoss(loss).text}`
}

import type { Signal } from '@preact/signals'
import type { JSX } from 'preact'
import type { Arithmetic } from '../../workbench/findings.ts'
import type { WorkbenchSettings } from '../../workbench/settings.ts'

export interface BudgetProps {
  readonly settings: Signal<WorkbenchSettings>
  /** Undefined: there is no input to count. */
  readonly arithmetic: Arithmetic | undefined
}

/** The keep ratio, and what follows from it by counting, while it moves. */
export function Budget({ settings, arithmetic }: BudgetProps): JSX.Element {
  const percent = Math.round(100 * settings.value.keep)
  const last = arithmetic?.tokens?.at(-1)
  const kept = last === undefined ? '' : `, ${last} tokens to the end`
  return (
    <div class="budget">
      <label for="keep">Keep at each layer</label>
      <output for="keep">{percent} %</output>
      <input
        id="keep"
        type="range"
        min="10"
        max="100"
        step="5"
        value={percent}
        aria-valuetext={`${percent} percent${kept}`}
        onInput={({ currentTarget }) => {
          settings.value = { ...settings.value, keep: currentTarget.valueAsNumber / 100 }
        }}
      />
      <span class="ends" aria-hidden="true">
        <span>faster</span>
        <span>safer</span>
      </span>
      {arithmetic && <Counted arithmetic={arithmetic} />}
    </div>
  )
}

function Counted({ arithmetic: { tokens, hasRun, work } }: { readonly arithmetic: Arithmetic }): JSX.Element {
  return (
    <p class="counted" data-testid="counted">
      {tokens === undefined
        ? 'How many tokens are kept depends on what it reads.'
        : `${hasRun ? '' : 'at most '}${tokens.join(' → ')} tokens`}
      {tokens !== undefined && (
        <span data-testid="work">{work === undefined ? '' : `${Math.round(100 * work)} % of the arithmetic`}</span>
      )}
    </p>
  )
}

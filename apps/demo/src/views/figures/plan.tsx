import { useSignal } from '@preact/signals'
import type { Plan } from '@tp/compiler'
import type { JSX } from 'preact'
import { useRef } from 'preact/hooks'
import type { PrunedFile } from '../../engine/variants.ts'

export interface PlanCardProps {
  readonly name: string
  readonly plan: Plan
  /** Undefined while it is being made. */
  readonly pruned: PrunedFile | undefined
}

/** The setting to take along: as a plan, and as the pruned model. */
export function PlanCard({ name, plan, pruned }: PlanCardProps): JSX.Element {
  const copied = useSignal<string | undefined>(undefined)
  const field = useRef<HTMLTextAreaElement>(null)
  const text = planText(plan)
  const isCurrent = pruned !== undefined && JSON.stringify(pruned.plan) === JSON.stringify(plan)

  async function copy(): Promise<void> {
    try {
      await navigator.clipboard.writeText(text)
      copied.value = text
    } catch {
      // The browser does not let it: to be copied by hand.
      field.current?.select()
    }
  }

  return (
    <section class="card plan" aria-labelledby="plan-title">
      <h2 id="plan-title">Take it along</h2>
      <p class="note">
        The plan, for <code>tp prune --plan</code> or <code>@tp/compiler</code>.
      </p>
      <label>
        <span class="hidden">The plan as JSON</span>
        <textarea ref={field} class="json" readOnly={true} rows={text.split('\n').length} value={text} />
      </label>
      <div class="buttons">
        <button type="button" onClick={copy}>
          {copied.value === text ? 'Copied' : 'Copy the plan'}
        </button>
        <button type="button" class="main" disabled={!isCurrent} onClick={() => pruned && save(pruned, name)}>
          Download the pruned model
        </button>
      </div>
      <p class="note">
        A plain ONNX file{isCurrent ? ` of ${megabytes(pruned.file.length)}` : ''} with the same inputs and outputs; it
        runs wherever the first one did.
      </p>
    </section>
  )
}

/** Lists of numbers on one line, as people write them. */
function planText(plan: Plan): string {
  return JSON.stringify(plan, null, 2).replace(/\[[\d\s.,]*\]/g, (list) =>
    list.replace(/\s+/g, ' ').replace('[ ', '[').replace(' ]', ']'),
  )
}

function save({ file }: PrunedFile, name: string): void {
  const address = URL.createObjectURL(new Blob([file], { type: 'application/octet-stream' }))
  const link = document.createElement('a')
  link.href = address
  link.download = `${name}.pruned.onnx`
  link.click()
  URL.revokeObjectURL(address)
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}

import { median } from '@tp/core/statistics'
import type { JSX } from 'preact'
import { ratiosOf } from '../../engine/timing.ts'
import type { Workbench } from '../../workbench/workbench.ts'
import { countsOf } from '../tokens/counts.ts'
import { saidBy } from './said.ts'

/** What came out, in one sentence for eyes and ears. */
export function Summary({ bench, what }: { readonly bench: Workbench; readonly what: string }): JSX.Element {
  const result = bench.result.value
  if (result === undefined) return <output class="summary">{waitingText(bench.stage.value)}</output>
  const [total, ...counts] = countsOf(result)
  const kept = counts.at(-1) ?? total
  const times = bench.times.value
  const said = saidBy(bench, result)
  const [dense, pruned] = [said.dense, said.pruned].map(({ classes }) => classes?.[0]?.name)
  return (
    <output class="summary">
      <strong>{kept}</strong> of {total} {what} are kept to the end.{' '}
      {dense !== undefined &&
        (dense === pruned ? (
          <>
            The answer is still <strong>{dense}</strong>.
          </>
        ) : (
          <>
            The answer changes from <strong>{dense}</strong> to <strong>{pruned}</strong>.
          </>
        ))}{' '}
      {times !== undefined && bench.stage.value !== 'timing' && (
        <>
          <strong>{median(ratiosOf(times)).toFixed(1)} ×</strong> as fast.
        </>
      )}
    </output>
  )
}

function waitingText(stage: Workbench['stage']['value']): string {
  if (stage === 'opening') return 'The model is being loaded …'
  if (stage === 'running') return 'The model is being pruned …'
  return ''
}

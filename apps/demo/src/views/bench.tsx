import type { ComponentChildren, JSX } from 'preact'
import { findMethod } from '../workbench/added-methods.ts'
import type { Workbench } from '../workbench/workbench.ts'
import { Controls } from './controls/controls.tsx'
import { AccuracyCard } from './figures/accuracy.tsx'
import { Answers } from './figures/answers.tsx'
import { Latency } from './figures/latency.tsx'
import { PlanCard } from './figures/plan.tsx'
import { Summary } from './figures/summary.tsx'
import { Refusal } from './refusal.tsx'
import { TokenView } from './tokens/token-view.tsx'

export interface BenchProps {
  readonly bench: Workbench
  /** What tokens are called here: words, patches. */
  readonly what: string
  /** Where the input is given. */
  readonly children: ComponentChildren
}

/** One model at work: the input, what is pruned, both answers, and what is gained and lost. */
export function Bench({ bench, what, children }: BenchProps): JSX.Element {
  const { source, stage, result, refusal, inspection, pruned, work, times, accuracy, settings, plan, problem } = bench
  const method = findMethod(settings.value.method)
  const timed = { onStop: bench.stop, onAgain: bench.again }
  if (refusal.value !== undefined) return <Refusal title={`${source.name} cannot be pruned`} refusal={refusal.value} />
  return (
    <div class="bench" data-stage={stage.value}>
      <div class="input">{children}</div>
      <div class="outcome" aria-busy={stage.value === 'running'}>
        <Summary bench={bench} what={what} />
        {problem.value !== undefined && stage.value === 'failed' && (
          <p class="problem" role="alert">
            {problem.value}
          </p>
        )}
        {result.value && <TokenView result={result.value} merges={method?.family === 'hybrid'} />}
      </div>
      <Controls settings={settings} layerCount={inspection.value?.layers.length} />
      {result.value && <Answers bench={bench} result={result.value} />}
      <Latency times={times.value} work={work.value} running={stage.value === 'timing'} {...timed} />
      <AccuracyCard
        accuracy={accuracy.value}
        what={source.set?.what}
        running={stage.value === 'measuring'}
        {...timed}
      />
      <PlanCard name={source.name} plan={plan.value} pruned={pruned.value} />
    </div>
  )
}

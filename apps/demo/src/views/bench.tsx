import type { ComponentChildren, JSX } from 'preact'
import { findMethod } from '../workbench/added-methods.ts'
import type { Workbench } from '../workbench/workbench.ts'
import { Budget } from './controls/budget.tsx'
import { Controls } from './controls/controls.tsx'
import { Presets } from './controls/presets.tsx'
import { AccuracyCard } from './figures/accuracy.tsx'
import { Answers } from './figures/answers.tsx'
import { Latency } from './figures/latency.tsx'
import { PlanCard } from './figures/plan.tsx'
import { Race } from './race/race.tsx'
import { Refusal } from './refusal.tsx'

export interface BenchProps {
  readonly bench: Workbench
  /** The name for tokens here: words, patches. */
  readonly what: string
  /** Where the input is given. */
  readonly children: ComponentChildren
}

/** One model at work: both runs, what is pruned, the input, and what is gained and lost. */
export function Bench({ bench, what, children }: BenchProps): JSX.Element {
  const { source, stage, result, refusal, inspection, file, arithmetic, times, accuracy, settings, plan } = bench
  // The method of what is shown, which an answer to a new setting replaces only when it is there.
  const method = findMethod(result.value?.plan.method ?? settings.value.method)
  const timed = { onStop: bench.stop, onAgain: bench.again }
  if (refusal.value !== undefined) return <Refusal title={`${source.name} cannot be pruned`} refusal={refusal.value} />
  return (
    <>
      <div class="race" data-stage={stage.value}>
        <Race bench={bench} what={what} merges={method?.family === 'hybrid'} />
        <div class="settings">
          {source.presets && <Presets presets={source.presets} settings={settings} />}
          <Budget settings={settings} arithmetic={arithmetic.value} />
        </div>
      </div>
      <div class="bench" data-stage={stage.value}>
        <div class="input">{children}</div>
        <Controls settings={settings} layerCount={inspection.value?.layers.length} />
        {result.value && result.value.content.kind !== 'made-up' && <Answers bench={bench} result={result.value} />}
        <Latency times={times.value} running={stage.value === 'timing'} {...timed} />
        <AccuracyCard
          accuracy={accuracy.value}
          what={source.set?.what}
          running={stage.value === 'measuring'}
          {...timed}
        />
        <PlanCard name={source.name} plan={plan.value} pruned={file.value} />
      </div>
    </>
  )
}

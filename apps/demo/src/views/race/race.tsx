import { useSignal } from '@preact/signals'
import { median } from '@tp/core/statistics'
import type { JSX } from 'preact'
import { useEffect, useMemo, useRef } from 'preact/hooks'
import type { RunTimes } from '../../engine/timing.ts'
import { tokensByLayer } from '../../engine/tokens-by-layer.ts'
import type { DemoAnswers } from '../../workbench/findings.ts'
import type { Workbench } from '../../workbench/workbench.ts'
import { saidBy } from '../figures/said.ts'
import { DenseInput, PrunedInput } from '../tokens/shown-input.tsx'
import { Lane } from './lane.tsx'
import { LaneAnswer } from './lane-answer.tsx'
import { LayerBoxes } from './layer-boxes.tsx'
import { MeasuredNote } from './measured-note.tsx'
import { Outcome } from './outcome.tsx'
import { type Playback, usePlayback } from './playback.ts'
import { PrunedWords } from './pruned-words.tsx'
import { useRuns } from './use-runs.ts'

export interface RaceProps {
  readonly bench: Workbench
  /** The name for tokens here: words, patches. */
  readonly what: string
  /** Whether the method merges tokens. */
  readonly merges: boolean
}

/** The dense and the pruned model next to each other, on the same input. */
export function Race({ bench, what, merges }: RaceProps): JSX.Element {
  const isTimed = bench.stage.value !== 'timing'
  const times = isTimed ? bench.times.value : undefined
  // While it is timed again, what stands below keeps its place: somebody may have a hand on it.
  const last = useRef<RunTimes | undefined>(undefined)
  if (times !== undefined) last.current = times
  const visibility = times === undefined ? 'hidden' : 'visible'
  const ms = times && { dense: median(times.dense), pruned: median(times.pruned) }
  const playback = usePlayback(times)
  const result = bench.result.value
  return (
    <>
      <Outcome bench={bench} what={what}>
        {last.current && <PlayButton playback={playback} visibility={visibility} />}
      </Outcome>
      {result && <Lanes bench={bench} result={result} ms={ms} playback={playback} merges={merges} />}
      {last.current && <MeasuredNote times={last.current} visibility={visibility} />}
    </>
  )
}

interface LanesProps {
  readonly bench: Workbench
  readonly result: DemoAnswers
  readonly ms: { readonly dense: number; readonly pruned: number } | undefined
  readonly playback: Playback
  readonly merges: boolean
}

function Lanes({ bench, result, ms, playback: { at, isPlaying }, merges }: LanesProps): JSX.Element {
  /** A layer that somebody looks at; undefined: as far as the clock is. */
  const looked = useSignal<number | undefined>(undefined)
  useEffect(() => {
    looked.value = undefined
  }, [result])
  useEffect(() => {
    if (isPlaying.value) looked.value = undefined
  }, [isPlaying.value])
  const { sample, trace } = result
  const count = sample.real.filter(Boolean).length
  const layerCount = bench.inspection.value?.layers.length ?? 0
  const tokens = useMemo(() => {
    const pruned = tokensByLayer(trace, layerCount, count)
    return { dense: pruned.map(() => count), pruned }
  }, [result, layerCount])
  const runs = useRuns(at, { tokens: tokens.dense, ms: ms?.dense }, { tokens: tokens.pruned, ms: ms?.pruned })
  const [denseDone, running] = [runs.dense.done.value, runs.pruned.done.value]
  const prunedDone = looked.value === undefined ? running : looked.value + 1
  const step = trace.steps.filter(({ layer }) => layer < prunedDone).length - 1
  const said = result.content.kind === 'made-up' ? undefined : saidBy(bench, result)
  return (
    <>
      <Lane kind="dense" title="Every token" clock={runs.dense.clock} ms={ms?.dense}>
        <LayerBoxes tokens={tokens.dense} done={denseDone} />
        {said && <LaneAnswer kind="dense" said={said.dense} isOver={denseDone === layerCount} />}
        <DenseInput sample={sample} />
      </Lane>
      <Lane kind="pruned" title="Pruned" clock={runs.pruned.clock} ms={ms?.pruned}>
        <LayerBoxes
          tokens={tokens.pruned}
          done={prunedDone}
          onLook={(layer) => {
            isPlaying.value = false
            looked.value = layer
          }}
        />
        {said && <LaneAnswer kind="pruned" said={said.pruned} isOver={running === layerCount} />}
        <PrunedInput sample={sample} trace={trace} step={step} merges={merges} />
        {sample.shown.kind === 'words' && <PrunedWords pieces={sample.shown.pieces} trace={trace} />}
      </Lane>
    </>
  )
}

interface PlayButtonProps {
  readonly playback: Playback
  readonly visibility: 'visible' | 'hidden'
}

function PlayButton({ playback: { isPlaying }, visibility }: PlayButtonProps): JSX.Element {
  return (
    <button
      type="button"
      class="play"
      style={{ visibility }}
      onClick={() => {
        isPlaying.value = !isPlaying.value
      }}
    >
      {isPlaying.value ? 'Pause' : 'Play'}
    </button>
  )
}

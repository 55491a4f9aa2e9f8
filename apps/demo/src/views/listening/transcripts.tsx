import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import type { Listening } from '../../listening/comparison.ts'
import type { Heard, Side } from '../../listening/protocol.ts'
import { MelFrames } from './mel-frames.tsx'

const titles: Readonly<Record<Side, string>> = { dense: 'With every position', pruned: 'Padding thinned' }

/** The transcripts of both models, and their clocks. */
export function Transcripts({ comparison }: { readonly comparison: Listening }): JSX.Element {
  const { heard, stage } = comparison
  const { dense, pruned } = heard.value
  return (
    <section class="card transcripts" aria-labelledby="transcripts-title" aria-busy={stage.value in titles}>
      <h2 id="transcripts-title">Transcripts</h2>
      <div class="sides">
        {(Object.keys(titles) as Side[]).map((side) => (
          <Transcript key={side} side={side} heard={heard.value[side]} running={stage.value === side} />
        ))}
      </div>
      {dense && pruned && <Verdict dense={dense} pruned={pruned} />}
    </section>
  )
}

function Transcript({
  side,
  heard,
  running,
}: {
  readonly side: Side
  readonly heard: Heard | undefined
  readonly running: boolean
}): JSX.Element {
  return (
    <div class={`side ${side}`} data-testid={`heard-${side}`} data-ms={heard?.totalMs}>
      <h3>{titles[side]}</h3>
      <p class="clock">{running ? <Clock /> : seconds(heard?.totalMs)}</p>
      {heard && (
        <>
          <p class="transcript">{heard.text === '' ? '(nothing)' : heard.text}</p>
          <p class="note">
            encoder {seconds(heard.encoderMs)}, decoder {seconds(heard.totalMs - heard.encoderMs)}, for{' '}
            {seconds(heard.soundMs)} of sound
          </p>
          {heard.spectrogram && <MelFrames spectrogram={heard.spectrogram} />}
        </>
      )}
    </div>
  )
}

/** Seconds since it appeared. */
function Clock(): JSX.Element {
  const ms = useSignal(0)
  useEffect(() => {
    const start = performance.now()
    const timer = setInterval(() => {
      ms.value = performance.now() - start
    }, 100)
    return () => clearInterval(timer)
  }, [ms])
  return <span aria-hidden="true">{seconds(ms.value)}</span>
}

function Verdict({ dense, pruned }: { readonly dense: Heard; readonly pruned: Heard }): JSX.Element {
  const factor = (of: 'encoderMs' | 'totalMs'): string => (dense[of] / pruned[of]).toFixed(1)
  const same = dense.text === pruned.text
  return (
    <p class={same ? 'verdict good' : 'verdict'}>
      {same ? 'The same words, ' : 'Not quite the same words, '}
      <span data-testid="times-as-fast">{factor('totalMs')}</span> times as fast; the encoder alone{' '}
      {factor('encoderMs')} times.
    </p>
  )
}

function seconds(ms: number | undefined): string {
  return ms === undefined ? '–' : `${(ms / 1000).toFixed(1)} s`
}

import type { JSX } from 'preact'
import type { RunTimes } from '../../engine/timing.ts'
import { speedOf } from './judgment.ts'
import { spreadOf } from './spread.ts'

export interface LatencyProps {
  readonly times: RunTimes | undefined
  readonly running: boolean
  readonly onAgain: () => void
  readonly onStop: () => void
}

/** Every run as a dot, both models on one scale. */
export function Latency({ times, running, onAgain, onStop }: LatencyProps): JSX.Element {
  return (
    <section class="card latency" aria-labelledby="latency-title">
      <h2 id="latency-title">How long one run takes</h2>
      {times === undefined ? <p class="note">Not timed yet.</p> : <Strips times={times} />}
      <p class="note">Timed in turns on your device, one thread; each dot is a run.</p>
      <button type="button" onClick={running ? onStop : onAgain}>
        {running ? 'Stop' : 'Time again'}
      </button>
    </section>
  )
}

function Strips({ times }: { readonly times: RunTimes }): JSX.Element {
  const all = [...times.dense, ...times.pruned].toSorted((a, b) => a - b)
  // One run in which the machine was busy with something else would squeeze all others together.
  const scale = 1.1 * Math.max((all[Math.floor(0.95 * (all.length - 1))] as number) || 1, 0.1)
  const { factor, low, high, judgment } = speedOf(times)
  return (
    <>
      <p class="figure">
        {judgment.tone === 'none' ? (
          judgment.text
        ) : (
          <>
            <strong>{factor.toFixed(2)}×</strong> {judgment.text}
          </>
        )}
        <span class="note">
          {' '}
          (95 % interval: {low.toFixed(2)} to {high.toFixed(2)})
        </span>
      </p>
      <Strip title="Every token" kind="dense" values={times.dense} scale={scale} />
      <Strip title="Pruned" kind="pruned" values={times.pruned} scale={scale} />
    </>
  )
}

interface StripProps {
  readonly title: string
  readonly kind: 'dense' | 'pruned'
  readonly values: readonly number[]
  readonly scale: number
}

function Strip({ title, kind, values, scale }: StripProps): JSX.Element {
  const position = (value: number): string => `${Math.min(99, (100 * value) / scale)}%`
  const { middle, from, to } = spreadOf(values)
  return (
    <div class={`strip ${kind}`}>
      <span class="title">{title}</span>
      <span class="median">
        <b>{middle.toFixed(1)} ms</b> <span class="note">{`${from.toFixed(1)} – ${to.toFixed(1)}`}</span>
      </span>
      <svg role="img" aria-label={`${values.length} runs, median ${middle.toFixed(1)} ms`}>
        {values.map((value, i) => (
          <circle key={i} cx={position(value)} cy={9 + ((i * 7) % 11)} r="3" />
        ))}
        <line x1={position(middle)} x2={position(middle)} y1="1" y2="27" />
      </svg>
    </div>
  )
}

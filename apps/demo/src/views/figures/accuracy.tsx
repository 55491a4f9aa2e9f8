import type { Interval } from '@tp/metrics'
import type { JSX } from 'preact'
import type { Accuracy } from '../../engine/accuracy.ts'
import { judgeLoss } from './judgment.ts'

export interface AccuracyCardProps {
  readonly accuracy: Accuracy | undefined
  /** The kind of labeled examples; undefined: there are none for this model. */
  readonly what: string | undefined
  readonly running: boolean
  readonly onStop: () => void
  readonly onAgain: () => void
}

/** The cost of the setting in right answers, on a small labeled set. */
export function AccuracyCard({ accuracy, what, running, onStop, onAgain }: AccuracyCardProps): JSX.Element {
  const unfinished = accuracy === undefined || accuracy.done < accuracy.of
  return (
    <section class="card accuracy" aria-labelledby="accuracy-title">
      <h2 id="accuracy-title">How often it is right</h2>
      {what === undefined ? (
        <p class="note">
          There are no labeled examples for this model in the page. <code>tp eval</code> measures it on yours.
        </p>
      ) : (
        <>
          {accuracy && <Bars accuracy={accuracy} />}
          <label class="progress">
            <span class="note">
              {accuracy?.done ?? 0} of {accuracy?.of ?? '…'} {what}
            </span>
            <progress value={accuracy?.done ?? 0} max={accuracy?.of ?? 1} />
          </label>
          {unfinished && (
            <button type="button" onClick={running ? onStop : onAgain}>
              {running ? 'Stop' : 'Measure'}
            </button>
          )}
        </>
      )}
    </section>
  )
}

function Bars({ accuracy: { dense, pruned, loss, agreement } }: { readonly accuracy: Accuracy }): JSX.Element {
  const { tone, text } = judgeLoss(loss)
  return (
    <>
      <p class={`verdict ${tone}`}>{text}</p>
      <Bar title="Every token" kind="dense" interval={dense} />
      <Bar title="Pruned" kind="pruned" interval={pruned} />
      <p class="note" data-testid="agreement">
        The two agree on {percent(agreement)} of them.
      </p>
    </>
  )
}

interface BarProps {
  readonly title: string
  readonly kind: 'dense' | 'pruned'
  readonly interval: Interval
}

function Bar({ title, kind, interval: { estimate, low, high } }: BarProps): JSX.Element {
  return (
    <div class={`strip ${kind}`} data-testid={`accuracy-${kind}`}>
      <span class="title">{title}</span>
      <span class="median">
        <b>{percent(estimate)}</b>{' '}
        <span class="note">
          {(100 * low).toFixed(1)} – {(100 * high).toFixed(1)}
        </span>
      </span>
      <span class="interval" style={{ '--from': low, '--to': high, '--at': estimate }} aria-hidden="true" />
    </div>
  )
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}

import type { ComponentChildren, JSX } from 'preact'
import type { DemoAnswers } from '../../workbench/findings.ts'
import type { Workbench } from '../../workbench/workbench.ts'
import { likeness } from '../figures/classes.ts'
import { type Judgment, judgeAnswer, type Speed, speedOf } from '../figures/judgment.ts'
import { saidBy } from '../figures/said.ts'
import { countsOf } from '../tokens/counts.ts'
import { wordsByLayer } from './words-by-layer.ts'

export interface OutcomeProps {
  readonly bench: Workbench
  /** The name for tokens here: words, patches. */
  readonly what: string
  /** The next steps with the file. */
  readonly children: ComponentChildren
}

/** The outcome, for eyes and ears: how much faster, and whether the answer is the same. Ears hear only what is final. */
export function Outcome({ bench, what, children }: OutcomeProps): JSX.Element {
  const { stage, result, times, problem } = bench
  const isMoving = stage.value === 'timing' || stage.value === 'running'
  // Not read while they change with every run, so that the rest is not drawn again each time.
  const timed = isMoving ? undefined : times.value
  return (
    <section class="outcome" aria-label="The outcome" aria-busy={isPending(bench)}>
      <output class="summary">
        {result.value === undefined || stage.value === 'failed' ? (
          <span>{waitingText(bench)}</span>
        ) : (
          <>
            <Factor speed={timed && speedOf(timed)} isComing={stage.value !== 'done'} />
            <Answer judgment={answerOf(bench, result.value)} />
            <span>{keptText(result.value, what)}</span>
          </>
        )}
      </output>
      {stage.value === 'failed' && (
        <p class="problem" role="alert">
          {problem.value}
        </p>
      )}
      {children}
    </section>
  )
}

/** Whether the outcome of what was set last is on its way: there is a rest before anything runs. */
function isPending({ stage, result, content, plan }: Workbench): boolean {
  if (stage.value === 'opening' || stage.value === 'running') return true
  if (stage.value === 'failed' || result.value === undefined) return false
  return result.value.content !== content.value || result.value.plan !== plan.value
}

interface FactorProps {
  readonly speed: Speed | undefined
  /** Whether it is going to be timed; not so after "Stop". */
  readonly isComing: boolean
}

function Factor({ speed, isComing }: FactorProps): JSX.Element {
  if (speed === undefined) {
    return (
      <span class="factor none">
        <strong aria-hidden="true">–</strong> {isComing ? 'being timed' : 'not timed'}
      </span>
    )
  }
  const { factor, judgment } = speed
  if (judgment.tone === 'none') {
    return (
      <span class="factor none">
        <b data-testid="speed-up">{judgment.text}</b> in speed
      </span>
    )
  }
  return (
    <span class={`factor ${judgment.tone}`}>
      <strong data-testid="speed-up">{factor.toFixed(1)}×</strong> {judgment.text}
    </span>
  )
}

function Answer({ judgment }: { readonly judgment: Judgment }): JSX.Element {
  return <span class={`verdict ${judgment.tone}`}>{judgment.text}</span>
}

function answerOf(bench: Workbench, result: DemoAnswers): Judgment {
  if (result.content.kind === 'made-up')
    return { tone: 'none', text: 'Made-up numbers: there is no answer to compare.' }
  const { dense, pruned } = saidBy(bench, result)
  if (dense.classes !== undefined && pruned.classes !== undefined) return judgeAnswer(dense.classes, pruned.classes)
  return { tone: 'none', text: `The outputs are ${likeness(dense.output, pruned.output)} alike (cosine).` }
}

const MOST_WORDS = 8

function keptText(result: DemoAnswers, what: string): string {
  const [total, ...counts] = countsOf(result)
  const kept = counts.at(-1) ?? total
  const text = `Of ${total} ${what}, ${kept === total ? 'all' : kept} ${kept === 1 ? 'is' : 'are'} kept to the end`
  const { shown } = result.sample
  if (shown.kind !== 'words' || kept === total) return `${text}.`
  const words = wordsByLayer(shown.pieces, result.trace).find(({ layer }) => layer === undefined)?.words ?? []
  if (words.length === 0) return `${text}.`
  return `${text}: ${words.slice(0, MOST_WORDS).join(', ')}${words.length > MOST_WORDS ? ' …' : '.'}`
}

function waitingText({ stage, content }: Workbench): string {
  if (stage.value === 'opening') return 'The model is being opened and pruned …'
  if (stage.value === 'running') return 'The model is being pruned …'
  if (stage.value !== 'waiting') return ''
  return content.value === undefined ? 'Give it something to read.' : 'There is no word to read: write something.'
}

import type { TensorLike } from '@tp/core/runtime'
import type { JSX } from 'preact'
import type { DemoAnswers } from '../../workbench/findings.ts'
import type { Workbench } from '../../workbench/workbench.ts'
import { type Class, likeness } from './classes.ts'
import { judgeAnswer } from './judgment.ts'
import { type Said, saidBy } from './said.ts'

const SHOWN = 3

/** The answers of both models, side by side. */
export function Answers({ bench, result }: { readonly bench: Workbench; readonly result: DemoAnswers }): JSX.Element {
  const { dense, pruned } = saidBy(bench, result)
  const { labels } = bench.source.facts
  return (
    <section class="card answers" aria-labelledby="answers-title">
      <h2 id="answers-title">Answers</h2>
      <div class="sides">
        <Side title="Every token" kind="dense" classes={dense.classes} />
        <Side title="Pruned" kind="pruned" classes={pruned.classes} />
      </div>
      <Verdict dense={dense} pruned={pruned} />
      <details>
        <summary>Numbers</summary>
        <table>
          <thead>
            <tr>
              <th scope="col">output</th>
              <th scope="col">every token</th>
              <th scope="col">pruned</th>
            </tr>
          </thead>
          <tbody>
            {firstNumbers(dense.output).map((value, i) => (
              <tr key={i}>
                <th scope="row">{(dense.classes && labels?.[i]) ?? i}</th>
                <td data-output="dense">{value.toFixed(5)}</td>
                <td data-output="pruned">{firstNumbers(pruned.output)[i]?.toFixed(5)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </section>
  )
}

function Side({
  title,
  kind,
  classes,
}: {
  readonly title: string
  readonly kind: 'dense' | 'pruned'
  readonly classes: readonly Class[] | undefined
}): JSX.Element {
  return (
    <div class={`side ${kind}`} data-testid={`answer-${kind}`}>
      <h3>{title}</h3>
      {classes === undefined && <p class="note">a row of numbers for every token, or an embedding</p>}
      {classes?.slice(0, SHOWN).map(({ name, share }, i) => (
        <div key={name} class={i === 0 ? 'class first' : 'class'}>
          <span class="name">{name}</span>
          <span class="bar" style={{ '--share': share }} />
          <span class="share">{percent(share)}</span>
        </div>
      ))}
    </div>
  )
}

function Verdict({ dense, pruned }: { readonly dense: Said; readonly pruned: Said }): JSX.Element {
  if (dense.classes === undefined || pruned.classes === undefined) {
    return <p>The outputs are {likeness(dense.output, pruned.output)} alike (cosine).</p>
  }
  const { tone, text } = judgeAnswer(dense.classes, pruned.classes)
  return <p class={`verdict ${tone}`}>{text}</p>
}

const MOST_NUMBERS = 12

function firstNumbers({ data }: TensorLike): number[] {
  return Array.from(data.slice(0, MOST_NUMBERS) as Float32Array, Number)
}

function percent(share: number): string {
  return `${(100 * share).toFixed(share > 0.9995 || share < 0.1 ? 2 : 1)} %`
}
